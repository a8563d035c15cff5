package delivery

import (
	"hash/crc32"

	"github.com/hookswitch/hookswitch/schemas"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sumOf is what an attempt keeps of the body it sent.
func sumOf(body []byte) uint32 { return crc32.Checksum(body, castagnoli) }

// batchOf lists the events of one exchange; nil when there is only one.
func batchOf(items []*item) []uint64 {
	if len(items) < 2 {
		return nil
	}
	seqs := make([]uint64, len(items))
	for i, it := range items {
		seqs[i] = it.held.Seq
	}
	return seqs
}

// RequestBody is the body that an attempt sent, with the webhook's secrets masked. It is not stored: the dialect builds it
// anew from the webhook as it is now and the events of the attempt, and it is only given when it is what was sent; false
// when the webhook was changed since in a way that shows in the body.
func (e *Engine) RequestBody(w *schemas.Webhook, events []*schemas.Event, a schemas.Attempt) (text string, same bool) {
	format := e.o.Formats[w.Dialect]
	if format == nil || len(events) == 0 {
		return "", false
	}
	job := Job{Webhook: w, Now: a.Started}
	for _, event := range events {
		job.Due = append(job.Due, Due{Event: event, Attempt: a.Number})
	}
	request, err := build(format, job)
	if err != nil || len(request.Body) != a.RequestBytes || sumOf(request.Body) != a.RequestSum {
		return "", false
	}
	return maskText(secretsOf(w, ""), string(request.Body)), true
}
