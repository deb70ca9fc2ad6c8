package devstack

// The requests and answers of SQS, as far as the server knows them.

type sqsReceive struct {
	QueueURL                    string   `json:"QueueUrl"`
	MaxNumberOfMessages         int      `json:"MaxNumberOfMessages"`
	WaitTimeSeconds             int      `json:"WaitTimeSeconds"`
	VisibilityTimeout           int      `json:"VisibilityTimeout"`
	MessageSystemAttributeNames []string `json:"MessageSystemAttributeNames"`
}

type sqsReceived struct {
	Messages []sqsDelivery `json:"Messages,omitempty"`
}

type sqsDelivery struct {
	MessageID     string            `json:"MessageId"`
	ReceiptHandle string            `json:"ReceiptHandle"`
	MD5OfBody     string            `json:"MD5OfBody"`
	Body          string            `json:"Body"`
	Attributes    map[string]string `json:"Attributes,omitempty"`
}

type sqsBatch struct {
	QueueURL string     `json:"QueueUrl"`
	Entries  []sqsEntry `json:"Entries"`
}

type sqsEntry struct {
	ID                string `json:"Id"`
	ReceiptHandle     string `json:"ReceiptHandle"`
	VisibilityTimeout *int   `json:"VisibilityTimeout"`
}

type sqsChanged struct {
	Successful []sqsDone   `json:"Successful"`
	Failed     []sqsFailed `json:"Failed"`
}

type sqsDone struct {
	ID string `json:"Id"`
}

type sqsFailed struct {
	ID          string `json:"Id"`
	Code        string `json:"Code"`
	SenderFault bool   `json:"SenderFault"`
}
