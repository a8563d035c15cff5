package copernica

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch/delivery"
)

const formType = "application/x-www-form-urlencoded"

// Format sends deliveries the way Copernica does: one event as a form, signed.
type Format struct{ options Options }

func newFormat(o Options) Format {
	if o.Nonce == nil {
		o.Nonce = randomNonce
	}
	return Format{o}
}

// Ready reports whether there is a key, and has the first one made otherwise.
func (f Format) Ready() bool { return f.options.Keys == nil || f.options.Keys.Ready() }

// Build makes the request for one event. It fails when there is no key to sign with.
func (f Format) Build(job delivery.Job) (delivery.Request, error) {
	if len(job.Due) != 1 {
		return delivery.Request{}, errors.New("a Copernica delivery carries exactly one event")
	}
	body := bodyOf(job.Due[0].Event)
	header, err := f.sign(job, body)
	if err != nil {
		return delivery.Request{}, err
	}
	delivery.AddHeaders(header, job.Webhook.Headers)
	return delivery.Request{Header: header, Body: body}, nil
}

// sign makes the headers of every outgoing call of the vendor (its page webhook-security).
func (f Format) sign(job delivery.Job, body []byte) (http.Header, error) {
	if f.options.Keys == nil {
		return nil, errors.New("there is no key to sign with")
	}
	key, keyID, err := f.options.Keys.signing(job.Now)
	if err != nil {
		return nil, err
	}
	uri, host, err := target(job.Webhook.Endpoint)
	if err != nil {
		return nil, err
	}
	date := job.Now.UTC().Format(http.TimeFormat)
	account := "account-" + strconv.FormatInt(int64(job.Webhook.Account), 10)
	digest, nonce := digestOf(body), f.options.Nonce()
	signature, err := signatureOf(key, keyID, map[string]string{
		"(request-target)": "post " + uri,
		"host":             host,
		"date":             date,
		"content-length":   strconv.Itoa(len(body)),
		"content-type":     formType,
		"x-copernica-id":   account,
		"digest":           digest,
		"x-nonce":          nonce,
	})
	if err != nil {
		return nil, err
	}
	return http.Header{
		"Date":           {date},
		"X-Copernica-ID": {account},
		"Digest":         {digest},
		"Content-Type":   {formType},
		"X-Nonce":        {nonce},
		"Signature":      {signature},
	}, nil
}

func randomNonce() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	return hex.EncodeToString(b[:])
}

// Judge is the common verdict; the vendor states no rule.
func (Format) Judge(answer delivery.Answer) delivery.Verdict { return delivery.JudgeCommon(answer) }

// Policy is ours; the vendor states none.
func (Format) Policy() delivery.Policy {
	return delivery.Policy{
		Waits: []time.Duration{
			5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour,
		},
		Jitter:  0.2,
		FailFor: 5 * 24 * time.Hour,
	}
}
