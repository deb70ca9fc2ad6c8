// Package objectevents takes notifications of S3 from an SQS queue. It knows
// messages and what they tell, and nothing of what becomes of the objects:
//
//	queue, err := objectevents.Open(ctx, objectevents.Config{URL: "https://sqs.ap-south-1.amazonaws.com/123456789012/statements"})
//	...
//	err = queue.Run(ctx, record)
//
// A message is deleted once record has returned nil for its objects, and not
// before: what dies in between is delivered again. While record fails, because
// Postgres is away say, the messages are held and tried again, and do not use up
// their deliveries. What cannot be read, or never be recorded, is left to the
// queue's own redrive policy, with a line in the log.
package objectevents
