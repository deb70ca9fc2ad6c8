//go:build linux || darwin

package workercli

import (
	"fmt"
	"math"
	"syscall"
)

// freeBytes is how much an ordinary user can write into dir.
func freeBytes(dir string) (int64, error) {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(dir, &stat); err != nil {
		return 0, fmt.Errorf("ask for the room in %s: %w", dir, err)
	}
	size := uint64(max(stat.Bsize, 1))
	return int64(min(stat.Bavail, math.MaxInt64/size) * size), nil //nolint:gosec // bounded
}
