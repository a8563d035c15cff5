package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v3"
	"golang.org/x/term"
)

// jsonFlag is on every command that answers something.
func jsonFlag() cli.Flag {
	return &cli.BoolFlag{Name: "json", Usage: "print JSON, as the methods answer it: lists as one document a line"}
}

// answer prints what a command has to say: JSON where that is asked for, else a sentence.
func answer(c *cli.Command, value any, format string, args ...any) error {
	if !c.Bool("json") {
		_, err := fmt.Fprintf(c.Root().Writer, format+"\n", args...)
		return err
	}
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return printJSON(c.Root().Writer, text)
}

// counted is a number of things with their name: 1 event, 2 events.
func counted[N int | int64](n N, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// printLine prints a document of a list.
func printLine(w io.Writer, document json.RawMessage) error {
	var out bytes.Buffer
	if err := json.Compact(&out, document); err != nil {
		return err
	}
	out.WriteByte('\n')
	_, err := w.Write(out.Bytes())
	return err
}

// isTerminal reports whether somebody looks at what is written to w.
func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// colours reports whether what is written to w may have colours: on a terminal, unless NO_COLOR says otherwise
// (no-color.org).
func colours(w io.Writer) bool {
	return isTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// table is rows under a head, with columns as wide as what is in them.
type table struct {
	head []string
	rows [][]string
}

// cell makes a text fit for a table: one line, not too long, and nothing in it that a terminal would obey.
func cell(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, text)
	if most > 0 && utf8.RuneCountInString(text) > most {
		return string([]rune(text)[:most-1]) + "…"
	}
	return text
}

func (t *table) add(cells ...any) {
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = cell(fmt.Sprint(c), 72)
	}
	t.rows = append(t.rows, row)
}

// minLast is how many columns are left to the last cell of a row, however narrow the terminal is.
const minLast = 20

// fit cuts the last cell of each row to what the others leave of a line of that many columns.
func (t *table) fit(columns int) {
	last, taken := len(t.head)-1, 0
	for i := range last {
		widest := 0
		for _, row := range append([][]string{t.head}, t.rows...) {
			widest = max(widest, utf8.RuneCountInString(row[i]))
		}
		taken += widest + 2
	}
	for _, row := range t.rows {
		row[last] = cell(row[last], max(columns-taken, minLast))
	}
}

func (t *table) print(w io.Writer) error {
	if f, ok := w.(*os.File); ok && isTerminal(f) {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
			t.fit(columns)
		}
	}
	widths := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, text := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(text))
		}
	}
	var out strings.Builder
	colour := colours(w)
	line := func(row []string, style func(string) string) {
		for i, text := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text))
			if colour {
				text = paint(style(text), text)
			}
			if out.WriteString(text); i < len(row)-1 {
				out.WriteString(pad + "  ")
			}
		}
		out.WriteByte('\n')
	}
	line(t.head, func(string) string { return "1" })
	for _, row := range t.rows {
		line(row, func(text string) string { return stateColours[text] })
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// stateColours are the codes by which a terminal paints the states of webhooks and deliveries.
var stateColours = map[string]string{
	"active": "32", "delivered": "32", "done": "32",
	"pending": "33", "retrying": "33", "running": "33",
	"stopped": "31", "failing": "31", "dead": "31", "cancelled": "31",
	"discarded": "2",
}

func paint(code, text string) string {
	if code == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// printMembers prints a JSON object for people: a member a line, in its order, texts without quotes.
func printMembers(w io.Writer, document json.RawMessage) error {
	decoder := json.NewDecoder(bytes.NewReader(document))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return printJSON(w, document)
	}
	var names, values []string
	widest := 0
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return err
		}
		names = append(names, fmt.Sprint(name))
		values = append(values, plainText(value))
		widest = max(widest, len(fmt.Sprint(name)))
	}
	for i, name := range names {
		if _, err := fmt.Fprintf(w, "%-*s  %s\n", widest, name, values[i]); err != nil {
			return err
		}
	}
	return nil
}

// plainText is a JSON value for people: a text without its quotes, anything else as it is.
func plainText(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) != nil {
		var out bytes.Buffer
		if json.Compact(&out, value) == nil {
			text = out.String()
		}
	}
	return cell(text, 0)
}
