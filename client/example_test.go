package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"slices"
	"strings"

	"casflow/client"
)

// A service submits a PDF that is in S3, and asks how it stands.
func Example() {
	ctx := context.Background()
	if err := put(ctx, "in/statement.pdf"); err != nil {
		log.Fatal(err)
	}

	casflow, err := client.New(client.Config{BaseURL: serverURL, Token: token})
	if err != nil {
		log.Fatal(err)
	}
	submitted, err := casflow.Submit(ctx, client.Submission{
		Bucket: "statements", Key: "in/statement.pdf",
		Terms: client.Terms{Batch: "desk", Passwords: []string{"made up"}, CallbackURL: "https://billing.example/parsed"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("new:", submitted.New, "callback:", submitted.Callback)

	document, err := casflow.Document(ctx, submitted.DocumentID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(document.Key, "is", document.Status)

	_, err = casflow.Submit(ctx, client.Submission{Bucket: "statements", Key: "in/no-such.pdf"})
	if problem, ok := errors.AsType[*client.Problem](err); ok {
		fmt.Println(problem.Status, problem.Reason, problem.Errors[0].Field)
	}
	// Output:
	// new: true callback: true
	// in/statement.pdf is pending
	// 422 object_missing key
}

// A service sends a PDF along.
func ExampleClient_Upload() {
	ctx := context.Background()
	casflow, err := client.New(client.Config{BaseURL: serverURL, Token: token})
	if err != nil {
		log.Fatal(err)
	}
	pdf := strings.NewReader("%PDF-1.7 made up")
	submitted, err := casflow.Upload(ctx, pdf, client.Upload{Key: "desk/1.pdf"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(submitted.Bucket, submitted.Key, submitted.Status)
	// Output: statements uploads/desk/1.pdf pending
}

// A service submits many PDFs in one request.
func ExampleClient_SubmitAll() {
	ctx := context.Background()
	for _, key := range []string{"night/1.pdf", "night/3.pdf"} {
		if err := put(ctx, key); err != nil {
			log.Fatal(err)
		}
	}

	casflow, err := client.New(client.Config{BaseURL: serverURL, Token: token})
	if err != nil {
		log.Fatal(err)
	}
	var night []client.Submission
	for _, key := range []string{"night/1.pdf", "night/2.pdf", "night/3.pdf"} {
		night = append(night, client.Submission{Bucket: "statements", Key: key, Terms: client.Terms{Batch: "night", Queue: "bulk"}})
	}
	for result, err := range casflow.SubmitAll(ctx, slices.Values(night)) {
		switch {
		case err != nil:
			log.Fatal(err)
		case result.Error != nil:
			fmt.Println(result.Line, result.Error.Reason)
		default:
			fmt.Println(result.Line, result.Status)
		}
	}
	batch, err := casflow.Batch(ctx, "night")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(batch.Left, "left")
	// Output:
	// 1 pending
	// 2 object_missing
	// 3 pending
	// 2 left
}
