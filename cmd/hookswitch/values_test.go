package main

import "testing"

func TestSizesOfRetention(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"off": 0, "50GB": 50e9, "50 GB": 50e9, "50GiB": 50 << 30, "2TB": 2e12, "1TiB": 1 << 40, "300MiB": 300 << 20, "268435456": 256 << 20, "268435456B": 256 << 20,
	} {
		if got, err := parseRetentionSize(text); got != want || err != nil {
			t.Errorf("%s: %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "0", "GB", "-50GB", "50G", "50gb", "50GBB", "5.5GB", "255MiB", "50GB of disk", "9223372036854775807kB"} {
		if got, err := parseRetentionSize(text); err == nil {
			t.Errorf("%q is taken as %d", text, got)
		}
	}
}
