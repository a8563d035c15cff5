package formattest

import (
	"bytes"
	"flag"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/hookswitch/hookswitch/delivery"
)

// update has to exist before the tests parse their flags, hence a package variable.
var update = flag.Bool("update", false, "rewrite the expected files under testdata")

// Golden compares the bytes a receiver gets over HTTP/1.1 with a file, "testdata/created.http" for instance; with -update
// it writes the file. The User-Agent is "Hookswitch" unless the request has its own. A request whose signature is
// randomised cannot be kept this way.
func Golden(t testing.TB, file, endpoint string, r delivery.Request) {
	t.Helper()
	got, err := dump(endpoint, r)
	if err != nil {
		t.Fatalf("write request: %v", err)
	}
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (go test -update rewrites it)\n--- sent\n%s\n--- expected\n%s", file, got, want)
	}
}

// dump is a request as net/http puts it on the wire, without the help of a transport.
func dump(endpoint string, r delivery.Request) ([]byte, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return nil, err
	}
	header := r.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	if header.Get("User-Agent") == "" {
		header.Set("User-Agent", "Hookswitch")
	}
	request := http.Request{
		Method: http.MethodPost, URL: u, Host: u.Host, Header: header,
		Body: http.NoBody, ContentLength: int64(len(r.Body)), // as the sender does: a length of 0 is said, not chunked
	}
	if len(r.Body) > 0 {
		request.Body = io.NopCloser(bytes.NewReader(r.Body))
	}
	var b bytes.Buffer
	err = request.Write(&b)
	return b.Bytes(), err
}
