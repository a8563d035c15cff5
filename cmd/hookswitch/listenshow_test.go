package main

import "testing"

func TestPaintedJSON(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		`{`:                     `{`,
		`  "a": {`:              "  \x1b[36m\"a\": \x1b[0m{",
		`  "a\": b": "c: \"d",`: "  \x1b[36m\"a\\\": b\": \x1b[0m\x1b[32m\"c: \\\"d\"\x1b[0m,",
		`  12.50,`:              "  \x1b[33m12.50\x1b[0m,",
		`  "text cut o…`:        "  \x1b[32m\"text cut o…\x1b[0m",
		`  ],`:                  `  ],`,
	} {
		if got := paintJSON(line); got != want {
			t.Errorf("%s is painted %q, want %q", line, got, want)
		}
	}
}
