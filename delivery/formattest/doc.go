// Package formattest checks what every dialect's delivery.Format has to keep, and keeps the exact bytes of its requests.
//
//	Run(t, format, sample)            every HTTP status, purity, secrets, policy
//	Golden(t, file, endpoint, request) one testdata/*.http file: what a receiver gets, byte for byte
package formattest
