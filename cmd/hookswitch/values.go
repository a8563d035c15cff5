package main

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch/service"
)

// The checks of settings say what a value must be; whoever prints them names the setting and the value.

func checkLevel(text string) error {
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, text) {
		return errors.New("must be debug, info, warn or error")
	}
	return nil
}

func checkPrefixes(texts []string) error {
	_, err := parsePrefixes(texts)
	return err
}

// parsePrefixes takes networks, and single addresses as networks of one.
func parsePrefixes(texts []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range texts {
		text = strings.TrimSpace(text)
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			address, err := netip.ParseAddr(text)
			if err != nil {
				return nil, fmt.Errorf("%q must be a network such as 10.1.0.0/16 or an address", text)
			}
			prefix = netip.PrefixFrom(address, address.BitLen())
		}
		out = append(out, prefix.Masked())
	}
	return out, nil
}

func checkOrigins(texts []string) error {
	for _, text := range texts {
		u, err := url.Parse(text)
		if text != "*" && (err != nil || u.Scheme == "" || u.Host == "" || u.Path != "") {
			return fmt.Errorf("%q must be like https://app.example.com, without a path, or *", text)
		}
	}
	return nil
}

func checkURL(text string) error {
	u, err := url.Parse(text)
	if text != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return errors.New("must be like https://hooks.example.com")
	}
	return nil
}

// checkListen looks at the form of an address only; whether one can listen there shows when one does.
func checkListen(text string) error {
	if path, unix := strings.CutPrefix(text, unixPrefix); unix && path != "" || text == "" {
		return nil
	}
	_, port, err := net.SplitHostPort(text)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		return errors.New("must be like 127.0.0.1:8080, :8080 for all addresses of the machine, or unix:/path")
	}
	return nil
}

// checkReceive looks at the address of a receiver, which is a part of the URL that the service is told.
func checkReceive(text string) error {
	if checkListen(text) != nil || strings.HasPrefix(text, unixPrefix) {
		return errors.New("must be like 127.0.0.1:0")
	}
	return nil
}

func positive[T int | time.Duration | float64](value T) error {
	if value <= 0 {
		return errors.New("must be more than 0")
	}
	return nil
}

// upTo takes 1 to most.
func upTo[T int | time.Duration](most T) func(T) error {
	return func(value T) error {
		if value <= 0 || value > most {
			return fmt.Errorf("must be more than 0, and %s at most", textsOf(most)[0])
		}
		return nil
	}
}

func checkSize(text string) error {
	_, err := parseSize(text)
	return err
}

// parseSize reads a number of bytes. Below 64 KiB hardly a webhook could be registered, above 64 MiB a few callers could
// fill the memory.
func parseSize(text string) (int, error) {
	n, ok := parseBytes(text)
	if !ok || n < 64<<10 || n > 64<<20 {
		return 0, errors.New("must be a size from 64KiB to 64MiB, such as 4MiB")
	}
	return int(n), nil
}

// parseBytes reads a whole number of bytes, of multiples of 1000 (kB, MB, GB, TB) or of 1024 (KiB, MiB, GiB, TiB).
func parseBytes(text string) (n int64, ok bool) {
	digits := strings.TrimRight(text, " BkKMGTi")
	factor, ok := map[string]int64{
		"": 1, "B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
	}[strings.TrimSpace(text[len(digits):])]
	n, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || n < 0 || n > math.MaxInt64/factor {
		return 0, false
	}
	return n * factor, true
}

func checkRetentionSize(text string) error {
	_, err := parseRetentionSize(text)
	return err
}

// parseRetentionSize reads how much is kept; 0 for "off". What is deleted at a time has 64 MiB, so that a bound near that
// would be none.
func parseRetentionSize(text string) (int64, error) {
	if text == "off" {
		return 0, nil
	}
	n, ok := parseBytes(text)
	if !ok || n < 256<<20 {
		return 0, errors.New("must be off, or a size from 256MiB, such as 50GB or 50GiB")
	}
	return n, nil
}

func checkRate(text string) error {
	_, err := parseRate(text)
	return err
}

// parseRate reads RATE, RATE:BURST or off, which is a rate below 0: without a bound, also where the default is one.
func parseRate(text string) (service.Rate, error) {
	if text == "off" {
		return service.Rate{PerSecond: -1}, nil
	}
	number, burst, given := strings.Cut(text, ":")
	perSecond, err := strconv.ParseFloat(number, 64)
	r := service.Rate{PerSecond: perSecond, Burst: int(min(math.Ceil(10*perSecond), math.MaxInt32))}
	if given && err == nil {
		r.Burst, err = strconv.Atoi(burst)
	}
	if err != nil || !(perSecond > 0) || math.IsInf(perSecond, 0) || r.Burst < 1 {
		return service.Rate{}, errors.New("must be off or a rate a second such as 50, or 50:500 with a burst")
	}
	return r, nil
}
