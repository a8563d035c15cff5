package vision6

import "net/http"

// Addresses are the paths at which the vendor's clients call, with the API's version in the query, which may be any.
func Addresses() []string { return []string{"/api/jsonrpcserver", "/api/jsonrpcserver.php"} }

// Serve serves those addresses by the JSON-RPC server, with two allowances for clients that were written for a PHP script.
// A body may be declared as anything or nothing, since such a script reads it whatever it is; and one that is too large is
// refused with status 200 like everything else that can be said in JSON-RPC, because PHP's fopen gives its caller no body
// for 413. What has no JSON-RPC answer keeps its status: a GET, a compressed body, a page of a foreign origin.
func Serve(server http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			server.ServeHTTP(w, r)
			return
		}
		declared := r.Clone(r.Context())
		declared.Header.Set("Content-Type", "application/json")
		server.ServeHTTP(sayOK{w}, declared)
	})
}

// sayOK writes 200 for 413.
type sayOK struct{ http.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (w sayOK) WriteHeader(status int) {
	if status == http.StatusRequestEntityTooLarge {
		status = http.StatusOK
	}
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap serves http.ResponseController.
func (w sayOK) Unwrap() http.ResponseWriter { return w.ResponseWriter }
