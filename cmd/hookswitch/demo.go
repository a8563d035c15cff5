package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/hookswitch/hookswitch/rpc"
	"github.com/hookswitch/hookswitch/service"
)

func demoCommand() *cli.Command {
	return &cli.Command{
		Name:  "demo",
		Usage: "run the service with a built-in receiver and show its main job",
		Description: "Registers one webhook by each vendor's document and one native, publishes events that match them,\n" +
			"prints each delivery with its signature checked, then goes on serving until Ctrl-C.\n" +
			"It has a directory of its own, whatever HOOKSWITCH_DATA says: a demo must not write among the webhooks of a service.",
		Flags: demoFlags(),
		Action: func(ctx context.Context, c *cli.Command) error {
			if err := noArguments(c); err != nil {
				return err
			}
			receiver, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return fmt.Errorf("listen for the demo's receiver: %w", err)
			}
			defer receiver.Close()
			// The receiver is on this machine, where no endpoint may be unless it is allowed.
			if err := c.Set("allow-endpoint", "127.0.0.1/32"); err != nil {
				return err
			}
			if !c.IsSet("data") { // a flag beats the variable
				if err := c.Set("data", demoData); err != nil {
					return err
				}
			}
			return serve(ctx, c, demoFlags, func(ctx context.Context, s *service.Service, address string) error {
				d := &demo{out: c.Root().Writer, service: s, address: address, data: c.String("data"), receiver: receiver, arrived: make(chan arrival, 64)}
				return d.run(ctx)
			})
		},
	}
}

// demoData is where the demo keeps its store.
const demoData = "./hookswitch-demo"

// demoFlags are those of serve; the screen is the demo's, so little is logged.
func demoFlags() []cli.Flag {
	flags := serviceFlags()
	for _, f := range flags {
		f, ok := f.(*cli.StringFlag)
		switch {
		case ok && f.Name == "log-level":
			f.Value = "warn"
		case ok && f.Name == "data":
			f.Value, f.Sources = demoData, cli.ValueSourceChain{}
		}
	}
	return flags
}

// demo shows the main job: documents in by RPC, events in by RPC, signed webhooks out.
type demo struct {
	out      io.Writer
	service  *service.Service
	address  string
	data     string // directory
	receiver net.Listener
	client   *rpc.Client
	arrived  chan arrival

	mu     sync.Mutex
	checks map[string]check // by path of the receiver; guarded by mu
}

// arrival is one delivery that the receiver took.
type arrival struct {
	path, how string
	err       error
}

func (d *demo) run(ctx context.Context) error {
	target, err := serverURL(d.address)
	if err != nil {
		return err
	}
	client, err := rpc.Dial(ctx, target, rpc.DialOptions{Credential: "Bearer " + d.service.LocalKey()})
	if err != nil {
		return err
	}
	defer client.Close()
	d.client, d.checks = client, map[string]check{}
	server := &http.Server{Handler: d, ReadHeaderTimeout: 5 * time.Second}
	go server.Serve(d.receiver) // ends with the listener, which the command closes
	if err := d.removeFormer(ctx); err != nil {
		return err
	}
	key, err := d.demoKey(ctx)
	if err != nil {
		return err
	}
	scenes := scenes("http://" + d.receiver.Addr().String() + demoPath)
	if err := d.register(ctx, scenes, key); err != nil {
		return err
	}
	if err := d.publish(ctx, scenes); err != nil {
		return err
	}
	if err := d.await(ctx, scenes); err != nil {
		return err
	}
	d.goOn(scenes, key)
	return nil
}

func (d *demo) say(format string, args ...any) { fmt.Fprintf(d.out, format+"\n", args...) }

func (d *demo) register(ctx context.Context, scenes []scene, key string) error {
	d.say("Hookswitch %s at %s, its store in %s, a receiver at http://%s\n", version, d.address, d.data, d.receiver.Addr())
	d.say("1. Register: the vendors' five documents and a native one, each as its client sends it")
	for _, s := range scenes {
		var result json.RawMessage
		if err := d.client.Call(ctx, s.method, s.params(key), &result); err != nil {
			return fmt.Errorf("register %s: %w", s.name, err)
		}
		check, err := s.check(d.service, result)
		if err != nil {
			return fmt.Errorf("register %s: %w", s.name, err)
		}
		d.mu.Lock()
		d.checks[s.path] = check
		d.mu.Unlock()
		d.say("   %-14s %-19s → %s", s.name, s.method, short(result))
	}
	return nil
}

func (d *demo) publish(ctx context.Context, scenes []scene) error {
	d.say("\n2. Publish events at the same endpoint; one event reaches every dialect that wants it")
	for _, s := range scenes {
		if s.event == "" {
			continue
		}
		var got struct {
			Matched int `json:"matched"`
		}
		if err := d.client.Call(ctx, "publishEvent", json.RawMessage(s.event), &got); err != nil {
			return fmt.Errorf("publish for %s: %w", s.name, err)
		}
		var e struct {
			Type string `json:"type"`
		}
		if err := json.Unmarshal([]byte(s.event), &e); err != nil {
			return err
		}
		d.say("   publishEvent %-22s matched %d", e.Type, got.Matched)
	}
	return nil
}

// await prints deliveries until every webhook had one.
func (d *demo) await(ctx context.Context, scenes []scene) error {
	d.say("\n3. Deliveries, each checked as its receiver would")
	names := map[string]string{}
	for _, s := range scenes {
		names[s.path] = s.name
	}
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	verified := map[string]bool{}
	quiet := (<-chan time.Time)(nil)
	for {
		select {
		case a := <-d.arrived:
			if a.err != nil {
				d.say("   ✗ %-14s %v", names[a.path], a.err)
				continue
			}
			d.say("   ✓ %-14s %s", names[a.path], a.how)
			if verified[a.path] = true; len(verified) == len(scenes) {
				quiet = time.After(300 * time.Millisecond) // for what is on its way
			}
		case <-quiet:
			d.say("\n%d of %d webhooks received a delivery that verified.", len(verified), len(scenes))
			return nil
		case <-limit.C:
			return fmt.Errorf("only %d of %d webhooks received a delivery that verified", len(verified), len(scenes))
		case <-ctx.Done():
			return nil
		}
	}
}

// ServeHTTP is the receiver.
func (d *demo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, demoPath)
	d.mu.Lock()
	check := d.checks[path]
	d.mu.Unlock()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if check == nil || err != nil {
		http.Error(w, "not a webhook of this demo", http.StatusNotFound)
		return
	}
	how, err := check(r, body)
	if err != nil {
		http.Error(w, "the signature does not verify", http.StatusUnauthorized)
	}
	select {
	case d.arrived <- arrival{path, how, err}:
	case <-r.Context().Done():
	default: // after the show nobody reads; the delivery was taken all the same
		if err == nil {
			d.say("   ✓ %s", how)
		}
	}
}

func (d *demo) goOn(scenes []scene, key string) {
	d.say("\nNow yours. The service goes on at %s until Ctrl-C; a demo key with full access:\n\n  KEY=%s\n", d.address, key)
	for _, s := range scenes {
		d.say("# %s\n%s\n", s.name, s.curl(d.address))
	}
	d.say("# publish an event\n%s\n", curl(d.address, "publishEvent", `{"type":"contact.created","attributes":{"list_id":123,"contact_id":7},"data":{"email":"ann@example.com"}}`))
	d.say("# what became of it\n%s", curl(d.address, "listDeliveries", `{"limit":5}`))
}

// short is a result on the rest of a line.
func short(result json.RawMessage) string {
	const width = 96
	text := []rune(string(result))
	if len(text) > width {
		return string(text[:width]) + "…"
	}
	return string(text)
}
