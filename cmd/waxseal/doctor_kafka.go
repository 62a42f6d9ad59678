package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/waxseal/waxseal/archiver/kafka"
	"github.com/waxseal/waxseal/archiver/whatsapp"
)

// broker asks Kafka what an archiver will ask of it.
func (d *doctor) broker(ctx context.Context) {
	addresses := d.a.set.brokers()
	if l, err := dial(ctx, d.a.set); len(addresses) == 0 && err == nil && l != nil {
		addresses = strings.Split(l.Broker, ",")
	}
	if len(addresses) == 0 {
		d.says("broker", true, "embedded; not running now", "")
		return
	}
	opts, err := d.a.set.kafka(nil)
	if err != nil {
		d.says("broker", false, err.Error(), "mend kafka.tls.… and kafka.sasl.… in the configuration")
		return
	}
	opts.GiveUp = 3 * time.Second
	src, err := kafka.Open(ctx, addresses, opts)
	if err != nil {
		d.says("broker", false, err.Error(), brokerAdvice(err))
		return
	}
	defer src.Close()
	d.says("broker", true, strings.Join(addresses, ",")+" answers", "")
	for _, t := range d.a.set.roles() {
		n, err := src.Partitions(ctx, t.Name)
		if err == nil && n > 0 {
			_, _, err = src.Watermarks(ctx, t.Name, 0)
		}
		if err == nil {
			_, err = src.Reader(t.Name, 0, 1, 0).Fetch(ctx)
		}
		if errors.Is(err, kafka.ErrRewound) { // an empty log has been asked for what it does not hold yet
			err = nil
		}
		says := fmt.Sprintf("%d partitions", n)
		if err != nil {
			says = err.Error()
		}
		d.says("topic "+t.Name, err == nil, says, topicAdvice(err, t.Role))
	}
	if g := d.a.set.group(src, d.archive()); g != nil {
		err := g.Check(ctx)
		says := "group " + g.Name() + " may be joined"
		if err != nil {
			says = err.Error()
		}
		d.says("group", err == nil, says, "allow the user READ on group "+g.Name())
	}
}

// archive is the archive's name: of genesis, or of the configuration before it.
func (d *doctor) archive() string {
	if d.name != "" {
		return d.name
	}
	return d.a.set.Name
}

func brokerAdvice(err error) string {
	switch {
	case errors.Is(err, kafka.ErrCredentials):
		return "look at kafka.sasl.mechanism, kafka.sasl.user and kafka.sasl.password, and whether the broker has that user and mechanism on this listener"
	case errors.Is(err, kafka.ErrTLS):
		return "look at kafka.tls.ca, kafka.tls.cert and kafka.tls.key, and whether the address is the one of a TLS listener and stands in its certificate"
	}
	return "check the address, whether Kafka is reachable from here, and whether its listener wants TLS (kafka.tls.mode) or SASL"
}

func topicAdvice(err error, role whatsapp.Role) string {
	switch {
	case errors.Is(err, kafka.ErrDenied):
		return "allow the user READ and DESCRIBE on the topic"
	case errors.Is(err, kafka.ErrNoTopic):
		return "make the topic, name another in topics." + string(role) + ", or allow the user DESCRIBE on it"
	}
	return "the topic cannot be read now: look at the broker's log"
}
