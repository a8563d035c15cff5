package service

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"testing"
	"time"
)

// tellRaw writes a request as it is, all of it before it reads anything, and returns the status of the answer.
func tellRaw(t *testing.T, url, path, header string, body []byte) int {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	head := "POST " + path + " HTTP/1.1\r\nHost: hooks.example\r\n" + header + "\r\n\r\n"
	if _, err := conn.Write(append([]byte(head), body...)); err != nil {
		t.Fatalf("write: %v", err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		t.Errorf("read the body: %v", err)
	}
	return answer.StatusCode
}

func TestWhoSendsTooMuchBeforeReadingGetsTheAnswer(t *testing.T) {
	t.Parallel()
	s := open(t)
	body := bytes.Repeat([]byte("x"), 20_000_000)
	var chunked bytes.Buffer
	chunks := httputil.NewChunkedWriter(&chunked)
	for part := body; len(part) > 0; part = part[50_000:] {
		if _, err := chunks.Write(part[:50_000]); err != nil {
			t.Fatal(err)
		}
	}
	chunked.WriteString("0\r\n\r\n")
	const (
		asJSON   = "Content-Type: application/json\r\n"
		declared = "Content-Length: 20000000"
		inChunks = "Transfer-Encoding: chunked"
	)
	for name, c := range map[string]struct {
		path, header string
		body         []byte
		status       int
	}{
		"declared":       {"/rpc", asJSON + declared, body, http.StatusRequestEntityTooLarge},
		"in chunks":      {"/rpc", asJSON + inChunks, chunked.Bytes(), http.StatusRequestEntityTooLarge},
		"at a vendor's":  {"/api/v1/Webhook", asJSON + declared, body, http.StatusRequestEntityTooLarge},
		"vendor, chunks": {"/api/v1/Webhook", asJSON + inChunks, chunked.Bytes(), http.StatusRequestEntityTooLarge},
		"no JSON":        {"/rpc", "Content-Type: text/plain\r\n" + declared, body, http.StatusUnsupportedMediaType},
		"nobody there":   {"/nowhere", asJSON + declared, body, http.StatusNotFound},
		"nothing sent":   {"/rpc", asJSON + "Content-Length: 1000000000000", nil, http.StatusRequestEntityTooLarge}, // answered before the body
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 3 {
				if status := tellRaw(t, s.url, c.path, c.header, c.body); status != c.status {
					t.Errorf("status %d, want %d", status, c.status)
				}
			}
		})
	}
}
