package rpc

import (
	"math/rand/v2"
	"net/http"
	"strconv"
)

// HeaderRequestID is the header by which a request brings an id of its own, and by which the answer names the id that
// stands in the log.
const HeaderRequestID = "X-Request-Id"

// maxRequestID bounds an id that a request brings, in bytes.
const maxRequestID = 128

// requestID is the id that a request brought, when it may stand in a log, and else a new one.
func requestID(h http.Header) string {
	if ids := h[HeaderRequestID]; len(ids) == 1 && plainID(ids[0]) {
		return ids[0]
	}
	return newRequestID()
}

// newRequestID makes an id: 16 hexadecimal digits at random.
func newRequestID() string {
	const most = 16
	digits := strconv.FormatUint(rand.Uint64(), 16)
	return "0000000000000000"[:most-len(digits)] + digits
}

// plainID reports whether an id is one that people and log readers can copy without quotes.
func plainID(id string) bool {
	if id == "" || len(id) > maxRequestID {
		return false
	}
	for i := range len(id) {
		switch c := id[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '-', c == '_', c == '.', c == ':', c == '/', c == '+', c == '=':
		default:
			return false
		}
	}
	return true
}

// callID is the id of an exchange in the log: that of the request over HTTP; on a socket that of the connection and the
// number of the text on it.
func (x *exchange) callID() string {
	if x.session.out == nil {
		return x.session.id
	}
	return x.session.id + "-" + strconv.FormatUint(x.serial, 10)
}
