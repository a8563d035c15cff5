package service

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// replay sends a recorded request over a connection of its own, byte for byte, and returns the answer in the same way,
// but for its Date and X-Request-Id. "\n" in the request stands for the line ends of its head; what follows its empty line is the body.
func (s running) replay(t *testing.T, request string) string {
	t.Helper()
	connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(30 * time.Second)); err != nil { // a wrong length would wait for ever
		t.Fatal(err)
	}
	head, body, _ := strings.Cut(request, "\n\n")
	if _, err := io.WriteString(connection, strings.ReplaceAll(head, "\n", "\r\n")+"\r\n\r\n"+body); err != nil {
		t.Fatal(err)
	}
	return readAnswer(t, bufio.NewReader(connection))
}

// plant gives account 1 an admin key that a recording has in it; by createKey, and as an option, keys are longer.
func (s running) plant(t *testing.T, key string) {
	t.Helper()
	hash := sha256.Sum256([]byte(key))
	k := schemas.Key{Hash: hex.EncodeToString(hash[:]), Access: schemas.AccessAdmin, Created: time.Now()}
	body, err := json.Marshal(k)
	if err != nil {
		t.Fatal(err)
	}
	record := storage.Record{Kind: storage.KindKey, Account: 1, Fingerprint: k.Hash, Body: body}
	if _, _, err := s.store.Register(t.Context(), record); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for s.try(t, key, "getAccount", nil, nil) != nil { // it is known as soon as the directory has followed the store
		select {
		case <-ctx.Done():
			t.Fatal("a stored key does not work")
		case <-time.After(time.Millisecond):
		}
	}
}

// readAnswer reads one answer, which has a Content-Length or no body, and writes its line ends as "\n".
func readAnswer(t *testing.T, from *bufio.Reader) string {
	t.Helper()
	var out strings.Builder
	length := 0
	for {
		line, err := from.ReadString('\n')
		if err != nil {
			t.Fatalf("the answer breaks off: %v after\n%s", err, out.String())
		}
		line = strings.TrimSuffix(line, "\r\n")
		if text, ok := strings.CutPrefix(line, "Content-Length: "); ok {
			if length, err = strconv.Atoi(text); err != nil {
				t.Fatal(err)
			}
		}
		if !strings.HasPrefix(line, "Date: ") && !strings.HasPrefix(line, "X-Request-Id: ") {
			out.WriteString(line + "\n")
		}
		if line == "" {
			break
		}
	}
	if _, err := io.CopyN(&out, from, int64(length)); err != nil {
		t.Fatalf("the body breaks off: %v after\n%s", err, out.String())
	}
	return out.String()
}
