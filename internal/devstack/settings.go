package devstack

import (
	"crypto/rand"
	"encoding/base64"
	"strconv"
)

// Variable is one setting, as an operator would export it.
type Variable struct{ Name, Value string }

// Settings say where casflow's programs find what they need.
type Settings struct {
	Database, Redis string // URLs
	S3              *S3
	API, APIKey     string // base URL of the API, and the key that it takes
	RatePerMinute   int    // of the API; 0 is no limit
}

// Variables are the settings as the programs read them, with a secret key that is
// made up here.
func (s Settings) Variables() []Variable {
	seal := make([]byte, 32)
	_, _ = rand.Read(seal) // never fails: documented to abort the program instead
	return []Variable{
		{"DATABASE_URL", s.Database},
		{"REDIS_URL", s.Redis},
		{"AWS_ENDPOINT_URL_S3", s.S3.Endpoint},
		{"AWS_REGION", s.S3.Region},
		{"AWS_ACCESS_KEY_ID", s.S3.AccessKey},
		{"AWS_SECRET_ACCESS_KEY", s.S3.SecretKey.Reveal()},
		{"S3_FORCE_PATH_STYLE", "true"},
		{"CASPARSER_BASE_URL", s.API},
		{"CASPARSER_API_KEY", s.APIKey},
		{"CASPARSER_RATE_PER_MINUTE", strconv.Itoa(s.RatePerMinute)},
		{"CASFLOW_SECRET_KEY", base64.StdEncoding.EncodeToString(seal)},
	}
}
