//go:build !linux && !darwin

package workercli

import "errors"

// freeBytes is not known here.
func freeBytes(string) (int64, error) {
	return 0, errors.New("not known on this operating system")
}
