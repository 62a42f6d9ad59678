package gateway

import (
	"sync/atomic"

	"github.com/waxseal/waxseal/archiver/whatsapp"
)

// refusal is why a request was refused.
type refusal int

const (
	refusedSignature refusal = iota
	refusedToken
	refusedShape
	refusedSize
	refusedBusy
	refusedKafka
	refusals
)

var refusalNames = [refusals]string{"signature", "token", "shape", "size", "busy", "kafka"}

// counters count since the start.
type counters struct {
	refused [refusals]atomic.Int64
	records [5]atomic.Int64
	bytes   atomic.Int64
}

// counted are the roles that are counted.
var counted = [5]whatsapp.Role{whatsapp.RoleWebhooks, whatsapp.RoleSends, whatsapp.RoleConsent, whatsapp.RoleTemplates, whatsapp.RoleDirectory}

func (c *counters) taken(role whatsapp.Role, size int64) {
	for i, r := range counted {
		if r == role {
			c.records[i].Add(1)
		}
	}
	c.bytes.Add(size)
}

// Counts is what a gateway did since its start.
type Counts struct {
	Records map[whatsapp.Role]int64 // acknowledged by Kafka
	Bytes   int64                   // of them
	Refused map[string]int64        // signature, token, shape, size, busy, kafka
}

// Counts gives the counters as they are.
func (g *Gateway) Counts() Counts {
	c := Counts{Records: map[whatsapp.Role]int64{}, Refused: map[string]int64{}, Bytes: g.counts.bytes.Load()}
	for i, r := range counted {
		c.Records[r] = g.counts.records[i].Load()
	}
	for i, name := range refusalNames {
		c.Refused[name] = g.counts.refused[i].Load()
	}
	return c
}
