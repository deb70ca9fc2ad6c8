package enqueuercli

import "testing"

func TestStatus_Bar(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		all, left int
		want      string
	}{
		{0, 0, ""},
		{3, 3, "[........................................] 0 %: 0 of 3 done\n\n"},
		{1000, 1, "[#######################################.] 99 %: 999 of 1000 done\n\n"},
		{8, 4, "[####################....................] 50 %: 4 of 8 done\n\n"},
		{3, 0, "[########################################] 100 %: 3 of 3 done\n\n"},
	} {
		if got := (status{all: test.all, Left: test.left}).bar(); got != test.want {
			t.Errorf("%d of %d left: %q, want %q", test.left, test.all, got, test.want)
		}
	}
}
