package copernica

import (
	"bufio"
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// signedHeaders are the names a signature covers, in the order of the vendor's example, in the lower case its verifier
// insists on.
const signedHeaders = "(request-target) host date content-length content-type x-copernica-id digest x-nonce"

// digestOf is the value of the header Digest (RFC 3230): the vendor's verifier knows "sha-256" in lower case only.
func digestOf(body []byte) string {
	sum := sha256.Sum256(body)
	return "sha-256=" + base64.StdEncoding.EncodeToString(sum[:])
}

// signatureOf is the value of the header Signature (draft-cavage-http-signatures-10): RSASSA-PKCS1-v1_5 with SHA-256 over
// the lines "name: value" of signedHeaders, whose values are in values.
func signatureOf(key *rsa.PrivateKey, keyID string, values map[string]string) (string, error) {
	var text strings.Builder
	for i, name := range strings.Fields(signedHeaders) {
		if i > 0 {
			text.WriteByte('\n')
		}
		text.WriteString(name + ": " + values[name])
	}
	sum := sha256.Sum256([]byte(text.String()))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		return "", errors.New("the delivery cannot be signed with this key") // the cause may tell of the key
	}
	return fmt.Sprintf(`keyId="%s",algorithm="rsa-sha256",headers="%s",signature="%s"`,
		keyID, signedHeaders, base64.StdEncoding.EncodeToString(signature)), nil
}

// target is what net/http will send for an endpoint: request-target and Host. It is asked, not imitated: it drops an empty
// port, writes international names in ASCII, and more.
func target(endpoint string) (uri, host string, err error) {
	fault := errors.New("the endpoint cannot be called") // without the cause, which quotes the URL
	request, err := http.NewRequest(http.MethodPost, endpoint, nil)
	if err != nil {
		return "", "", fault
	}
	var head bytes.Buffer
	if request.Write(&head) != nil {
		return "", "", fault
	}
	sent, err := http.ReadRequest(bufio.NewReader(&head))
	if err != nil {
		return "", "", fault
	}
	return sent.RequestURI, sent.Host, nil
}
