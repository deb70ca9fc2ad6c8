package config

import (
	"fmt"
	"os"
	"os/user"
)

// Operator is the user and the machine that this process runs as, for records of
// who did something.
func Operator() string {
	name := fmt.Sprintf("uid %d", os.Getuid()) // in a container without a list of users
	if u, err := user.Current(); err == nil && u.Username != "" {
		name = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		return name
	}
	return name + "@" + host
}
