package rpctest

import (
	"fmt"
	"net/http"
	"strings"
)

// transcript is one file.
type transcript struct {
	credential string
	header     http.Header
	transports []string // those to run over; nil for all
	steps      []step
}

// step is one text sent and what is expected for it.
type step struct {
	line   int
	send   string
	expect []expectation
}

// expectation is one text expected.
type expectation struct {
	line  int
	text  string
	exact bool
	push  bool
}

// The markers of lines. They are all as long as each other.
const (
	markSend   = "-->"
	markExpect = "<--"
	markExact  = "<=="
	markPush   = "<~~"
)

// parser reads a transcript line by line.
type parser struct {
	transcript
	open *string // the text that goes on in the next line
}

func parseTranscript(text string) (*transcript, error) {
	p := &parser{transcript: transcript{header: http.Header{}}}
	for i, line := range strings.Split(text, "\n") {
		if err := p.line(i+1, strings.TrimSuffix(line, "\r")); err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	if len(p.steps) == 0 {
		return nil, fmt.Errorf("no request")
	}
	return &p.transcript, nil
}

func (p *parser) line(number int, line string) error {
	mark, rest := "", ""
	if len(line) >= len(markSend) {
		mark, rest = line[:len(markSend)], strings.TrimPrefix(line[len(markSend):], " ")
	}
	switch {
	case strings.TrimSpace(line) == "":
		p.open = nil
	case mark == markSend:
		p.steps = append(p.steps, step{line: number, send: rest})
		p.open = &p.steps[len(p.steps)-1].send
	case mark == markExpect, mark == markExact, mark == markPush:
		return p.expect(number, mark, rest)
	case strings.HasPrefix(line, "//"):
		p.open = nil
		return p.comment(strings.TrimSpace(line[2:]))
	case p.open == nil:
		return fmt.Errorf("neither a marker nor the rest of a text")
	default:
		*p.open += "\n" + line
	}
	return nil
}

func (p *parser) expect(number int, mark, rest string) error {
	if len(p.steps) == 0 {
		return fmt.Errorf("an answer before the first request")
	}
	p.open = nil
	if rest = strings.TrimSpace(rest); rest == "" || strings.HasPrefix(rest, "//") {
		return nil
	}
	last := &p.steps[len(p.steps)-1]
	last.expect = append(last.expect, expectation{
		line: number, text: rest, exact: mark == markExact, push: mark == markPush,
	})
	p.open = &last.expect[len(last.expect)-1].text
	return nil
}

// comment reads a comment, which may be a header line.
func (p *parser) comment(text string) error {
	if len(p.steps) > 0 {
		return nil
	}
	name, value, _ := strings.Cut(text, ":")
	value = strings.TrimSpace(value)
	switch name {
	case "credential":
		p.credential = value
	case "header":
		name, value, ok := strings.Cut(value, ":")
		if !ok {
			return fmt.Errorf("a header line has the form: header: Name: value")
		}
		p.header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	case "transports":
		for t := range strings.SplitSeq(value, ",") {
			p.transports = append(p.transports, strings.TrimSpace(t))
		}
	}
	return nil
}
