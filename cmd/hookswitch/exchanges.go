package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// attempt is one exchange with a receiver, as the methods show it.
type attempt struct {
	Number          int         `json:"number"`
	Started         time.Time   `json:"started"`
	Duration        float64     `json:"duration"` // seconds
	OK              bool        `json:"ok"`
	Status          int         `json:"status"`
	Message         string      `json:"message"`
	RequestHeaders  [][2]string `json:"requestHeaders"`
	RequestBody     string      `json:"requestBody"`
	RequestNote     string      `json:"requestNote"` // why the body is not there
	RequestBytes    int         `json:"requestBytes"`
	Batch           int         `json:"batch"` // events in the body; 0: this one
	ResponseHeaders [][2]string `json:"responseHeaders"`
	ResponseBody    string      `json:"responseBody"`
}

// printAttempts prints attempts in a table, and then what was sent and answered in each.
func printAttempts(w io.Writer, history []attempt) error {
	t := table{head: []string{"ATTEMPT", "STARTED", "SECONDS", "STATUS", "ANSWER"}}
	for _, a := range history {
		said := filled(a.Message)
		if a.OK {
			said = "taken"
		}
		t.add(a.Number, moment(a.Started), fmt.Sprintf("%.3f", a.Duration), a.Status, said)
	}
	if err := t.print(w); err != nil {
		return err
	}
	var out strings.Builder
	sent, answered := bodies{}, bodies{}
	for _, a := range history {
		if len(a.RequestHeaders) > 0 || a.RequestBytes > 0 {
			fmt.Fprintf(&out, "\nATTEMPT %d, request: %s%s\n", a.Number, bytesText(int64(a.RequestBytes)), a.together())
			printHeaders(&out, a.RequestHeaders)
			if a.RequestNote != "" {
				fmt.Fprintf(&out, "\n  (%s)\n", cell(a.RequestNote, 0))
			}
			sent.print(&out, a.Number, a.RequestBody)
		}
		if a.Status != 0 {
			fmt.Fprintf(&out, "\nATTEMPT %d, answer: status %d\n", a.Number, a.Status)
			printHeaders(&out, a.ResponseHeaders)
			answered.print(&out, a.Number, a.ResponseBody)
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// together tells of a body with several events.
func (a *attempt) together() string {
	if a.Batch == 0 {
		return ""
	}
	return fmt.Sprintf(", %d events together", a.Batch)
}

func printHeaders(out *strings.Builder, headers [][2]string) {
	for _, h := range headers {
		fmt.Fprintf(out, "  %s: %s\n", cell(h[0], 100), cell(h[1], 400))
	}
}

// bodies are those that were printed, with the attempt that had each first.
type bodies map[string]int

// shownBody is how many bytes of a body are printed.
const shownBody = 1 << 10

// print prints the beginning of a body, of it what a terminal would not obey; of one that was printed, only where.
func (b bodies) print(out *strings.Builder, number int, body string) {
	if body == "" {
		return
	}
	if former, again := b[body]; again {
		fmt.Fprintf(out, "\n  (the same body as in attempt %d)\n", former)
		return
	}
	b[body] = number
	shown := body
	if len(shown) > shownBody {
		shown = strings.ToValidUTF8(shown[:shownBody], "")
	}
	out.WriteByte('\n')
	for line := range strings.Lines(strings.ReplaceAll(shown, "\r\n", "\n")) {
		fmt.Fprintln(out, strings.TrimRight("  "+cell(strings.TrimSuffix(line, "\n"), 0), " "))
	}
	if more := len(body) - len(shown); more > 0 {
		fmt.Fprintf(out, "  … and %s more, which --json shows\n", bytesText(int64(more)))
	}
}
