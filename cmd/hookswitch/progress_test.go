package main

import (
	"testing"
	"time"
	"unicode/utf8"
)

func TestProgressKeepsToOneLine(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name        string
		unit        func(int64) string
		done, total int64
		width       int
		want        string
	}{
		{"a wide terminal", countText, 1884, 12000, 80, "bench [====                          ]  15 %  1884 of 12000"},
		{"a narrow one", countText, 1884, 12000, 40, "bench [=         ]  15 %  1884 of 12000"},
		{"no room for a bar", countText, 1884, 12000, 34, "bench  15 %  1884 of 12000"},
		{"no room for the text", countText, 1884, 12000, 20, "bench  15 %  1884 …"},
		{"one column", countText, 1, 2, 1, "…"},
		{"all is done", countText, 7, 7, 34, "bench [===========] 100 %  7 of 7"},
		{"more than there was", countText, 9, 7, 34, "bench [===========] 100 %  7 of 7"},
		{"a share", nil, 417, 1000, 80, "bench [============                  ]  41 %"},
		{"nobody knows how much there is", bytesText, 3 << 20, 0, 80, "bench  3.0 MiB  1.5 MiB/s"},
		{"nor is there room", bytesText, 3 << 20, 0, 10, "bench  3…"},
	} {
		p := &progress{label: "bench", unit: test.unit}
		got := p.line(test.done, test.total, 2*time.Second, test.width)
		if got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
		if n := utf8.RuneCountInString(got); n >= max(test.width, 2) {
			t.Errorf("%s: %d columns of %d", test.name, n, test.width)
		}
	}
}
