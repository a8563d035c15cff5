package schemas

import (
	"strconv"
	"time"
)

// AppendAttempt appends the stored form of a, which is its JSON, to b. It is written by hand, because every delivery does
// this and reflection took a tenth of what it costs to settle one.
func AppendAttempt(b []byte, a *Attempt) []byte {
	b = append(b, `{"number":`...)
	b = strconv.AppendInt(b, int64(a.Number), 10)
	b = append(b, `,"started":"`...)
	b = a.Started.AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","duration":`...)
	b = strconv.AppendInt(b, int64(a.Duration), 10)
	b = append(b, `,"ok":`...)
	b = strconv.AppendBool(b, a.OK)
	if a.Status != 0 {
		b = append(b, `,"status":`...)
		b = strconv.AppendInt(b, int64(a.Status), 10)
	}
	b = appendText(b, "error", string(a.Error))
	b = appendText(b, "message", a.Message)
	b = appendPairs(b, "requestHeaders", a.RequestHeaders)
	b = appendCount(b, "requestBytes", uint64(a.RequestBytes))
	b = appendCount(b, "requestSum", uint64(a.RequestSum))
	for i, seq := range a.Batch {
		if i == 0 {
			b = append(appendName(b, "batch"), '[')
		} else {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, seq, 10)
		if i == len(a.Batch)-1 {
			b = append(b, ']')
		}
	}
	b = appendPairs(b, "responseHeaders", a.ResponseHeaders)
	b = appendText(b, "responseBody", a.ResponseBody)
	return append(b, '}')
}

// appendText appends a member, unless it is empty.
func appendText(b []byte, name, text string) []byte {
	if text == "" {
		return b
	}
	return appendString(appendName(b, name), text)
}

// appendCount appends a member, unless it is 0.
func appendCount(b []byte, name string, n uint64) []byte {
	if n == 0 {
		return b
	}
	return strconv.AppendUint(appendName(b, name), n, 10)
}

// appendPairs appends a member, unless it is empty.
func appendPairs(b []byte, name string, pairs [][2]string) []byte {
	if len(pairs) == 0 {
		return b
	}
	b = append(appendName(b, name), '[')
	for i, pair := range pairs {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(append(b, '['), pair[0])
		b = append(appendString(append(b, ','), pair[1]), ']')
	}
	return append(b, ']')
}

func appendName(b []byte, name string) []byte {
	b = append(b, ',', '"')
	b = append(b, name...)
	return append(b, '"', ':')
}
