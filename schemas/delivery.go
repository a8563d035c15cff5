package schemas

import "time"

// DeliveryState says how far a delivery has come.
type DeliveryState string

// The states of a delivery.
const (
	DeliveryPending   DeliveryState = "pending"   // not tried yet
	DeliveryRetrying  DeliveryState = "retrying"  // tried and failed; Next says when again
	DeliveryDelivered DeliveryState = "delivered" // the receiver took it
	DeliveryDead      DeliveryState = "dead"      // given up; retryDelivery tries again
	DeliveryDiscarded DeliveryState = "discarded" // its webhook is gone
)

// Open reports whether the delivery is still owed.
func (s DeliveryState) Open() bool { return s == DeliveryPending || s == DeliveryRetrying }

// Wait says what keeps an open delivery from being carried out, beside the time of its next attempt.
type Wait string

// What a delivery can wait for.
const (
	WaitNothing  Wait = ""         // its time only, or it is under way
	WaitWebhook  Wait = "webhook"  // that its webhook is active again
	WaitEndpoint Wait = "endpoint" // that the server of its endpoint, which does not answer, does
	WaitTurn     Wait = "turn"     // what comes before it at a webhook that is delivered to in order
	WaitRate     Wait = "rate"     // its webhook's rate limit
	WaitPull     Wait = "pull"     // that somebody takes it
	WaitAck      Wait = "ack"      // that who took it says what became of it
)

// Delivery is one event owed to one webhook.
type Delivery struct {
	Account  AccountID
	Webhook  WebhookID
	Seq      uint64 // the event's
	State    DeliveryState
	Attempts int       // how many there were
	Next     time.Time // when the next attempt is due; zero unless State.Open
	Updated  time.Time
}
