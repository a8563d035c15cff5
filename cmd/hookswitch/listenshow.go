package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// forwarded is what became of an event.
type forwarded struct {
	Time     time.Time `json:"time"`
	Event    string    `json:"event"`
	Type     string    `json:"type"`
	Delivery string    `json:"delivery"`
	Attempt  int       `json:"attempt"`
	Status   int       `json:"status,omitempty"`
	Duration float64   `json:"duration"` // seconds
	Error    string    `json:"error,omitempty"`
}

// show prints a line for an event and, where that is not forwarded, what is in it. With --json that is the event itself.
func (l *forwarder) show(r forwarded, event json.RawMessage) error {
	w := l.command.Root().Writer
	if l.command.Bool("json") {
		if l.forward == "" {
			return printLine(w, event)
		}
		text, err := json.Marshal(r)
		if err != nil {
			return err
		}
		return printLine(w, text)
	}
	outcome, colour := "", "32"
	switch {
	case r.Error != "":
		outcome, colour = cell(r.Error, 120), "31"
	case r.Status != 0:
		outcome = strconv.Itoa(r.Status)
	}
	if l.forward != "" {
		outcome += fmt.Sprintf("  %.0f ms", r.Duration*1000)
	}
	if r.Attempt > 1 {
		outcome += fmt.Sprintf("  attempt %d", r.Attempt)
	}
	if colours(w) {
		outcome = paint(colour, outcome)
	}
	line := fmt.Sprintf("%s  %s  %s  %s", r.Time.Format("15:04:05"), cell(r.Type, 0), cell(r.Event, 0), outcome)
	if _, err := fmt.Fprintln(w, strings.TrimRight(line, " ")); err != nil || l.forward != "" {
		return err
	}
	return printEvent(w, event)
}

// How much of an event is shown: --json has all.
const (
	maxEventLines = 40
	maxEventLine  = 160 // characters
)

// printEvent prints what an event has besides its id and type, for people.
func printEvent(w io.Writer, document json.RawMessage) error {
	var event map[string]json.RawMessage
	if err := json.Unmarshal(document, &event); err != nil {
		return err
	}
	var out bytes.Buffer
	for _, name := range []string{"source", "subject", "attributes"} {
		if value := event[name]; value != nil {
			fmt.Fprintf(&out, "  %s %s\n", name, cell(plainText(value), maxEventLine))
		}
	}
	if data := event["data"]; data != nil {
		printData(&out, data, colours(w))
	}
	_, err := w.Write(out.Bytes())
	return err
}

// printData prints the beginning of a JSON text, indented, a member or element a line.
func printData(out *bytes.Buffer, data json.RawMessage, colour bool) {
	var indented bytes.Buffer
	if json.Indent(&indented, data, "", "  ") != nil {
		return // the server sends no other
	}
	lines := strings.Split(indented.String(), "\n")
	for i, line := range lines {
		if i == maxEventLines {
			fmt.Fprintf(out, "  … %s; --json shows all\n", counted(len(lines)-i, "more line", "more lines"))
			return
		}
		if line = cell(line, maxEventLine); colour {
			line = paintJSON(line)
		}
		out.WriteString("  " + line + "\n")
	}
}

// jsonLine is a line of indented JSON: its indent, a name, the value or a part of it, and a comma.
var jsonLine = regexp.MustCompile(`^( *)("(?:[^"\\]|\\.)*": )?(.*?)(,?)$`)

// paintJSON paints names, texts and other plain values of a line of indented JSON.
func paintJSON(line string) string {
	part := jsonLine.FindStringSubmatch(line)
	if part == nil {
		return line
	}
	code := "33"
	switch value := part[3]; {
	case value == "" || strings.ContainsAny(value[:1], "{}[]"):
		code = ""
	case value[0] == '"':
		code = "32"
	}
	name := part[2]
	if name != "" {
		name = paint("36", name)
	}
	return part[1] + name + paint(code, part[3]) + part[4]
}
