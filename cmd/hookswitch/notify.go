package main

import (
	"net"
	"os"
)

// What the process tells of itself to the manager that started it (sd_notify(3)).
const (
	stateReady    = "READY=1"
	stateStopping = "STOPPING=1"
)

// notify tells the manager that started the process, systemd for one, in what state it is. Without one, that is without
// $NOTIFY_SOCKET, it does nothing. A datagram that is lost costs the manager its patience and the service nothing.
func notify(state string) {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"}) // "@…" is an abstract one
	if err != nil {
		return
	}
	_, _ = conn.Write([]byte(state))
	_ = conn.Close()
}
