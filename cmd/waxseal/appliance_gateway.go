package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/waxseal/waxseal/archiver/gateway"
	"github.com/waxseal/waxseal/archiver/kafka"
)

// GatewayRequest asks for the gateway.
type GatewayRequest struct {
	Listen string // "" is the setting's
}

// GatewaySettings say whom the gateway believes and where it listens.
type GatewaySettings struct {
	Listen    string
	Secrets   []string // app secrets
	Verify    []string
	Tokens    []string
	Cert, Key string // PEM files
	ClientCA  string
}

func gatewaySettings() []setting {
	list := func(field func(*Settings) *[]string) func(*Settings, value) error {
		return func(s *Settings, v value) error { *field(s) = v.items; return nil }
	}
	return []setting{
		{name: "gateway.listen", def: "127.0.0.1:8080", help: "address of the gateway", set: text(func(s *Settings) *string { return &s.Gateway.Listen })},
		{name: "gateway.secrets", list: true, secret: true, help: "app secrets that sign webhooks; the old and the new one while one is changed", set: list(func(s *Settings) *[]string { return &s.Gateway.Secrets })},
		{name: "gateway.verify", list: true, secret: true, help: "verify tokens of Meta's handshake", set: list(func(s *Settings) *[]string { return &s.Gateway.Verify })},
		{name: "gateway.tokens", list: true, secret: true, help: "bearer tokens of middleware", set: list(func(s *Settings) *[]string { return &s.Gateway.Tokens })},
		{name: "gateway.cert", help: "PEM file with the gateway's certificate; without it plain HTTP", set: text(func(s *Settings) *string { return &s.Gateway.Cert })},
		{name: "gateway.key", help: "PEM file with its key", set: text(func(s *Settings) *string { return &s.Gateway.Key })},
		{name: "gateway.client_ca", help: "PEM file: middleware with a certificate of these needs no token", set: text(func(s *Settings) *string { return &s.Gateway.ClientCA })},
	}
}

// gatewayStop is how long requests under way may take when the gateway stops.
const gatewayStop = 20 * time.Second

// Gateway receives until ctx ends; requests under way are finished.
func (a *appliance) Gateway(ctx context.Context, req GatewayRequest, report func(Event)) error {
	set := &a.set.Gateway
	address := a.set.Broker
	if address == "" {
		l, err := dial(ctx, a.set)
		if err != nil {
			return err
		}
		if l == nil {
			return fmt.Errorf("no Kafka to write to: name one with --broker, or start 'waxseal run' first: %w", ErrUsage)
		}
		address = l.Broker
	}
	opts, err := a.set.kafka(a.env.Log)
	if err != nil {
		return err
	}
	producer, err := kafka.NewProducer(strings.Split(address, ","), opts)
	if err != nil {
		return fmt.Errorf("kafka at %s: %w", address, err)
	}
	defer producer.Close()
	cfg := gateway.Config{Producer: producer, Topics: a.set.Topics, Verify: set.Verify, Tokens: set.Tokens, Log: a.env.Log}
	for _, s := range set.Secrets {
		cfg.Secrets = append(cfg.Secrets, []byte(s))
	}
	g, err := gateway.New(cfg)
	if err != nil {
		return fmt.Errorf("%w: %w", err, ErrUsage)
	}
	srv := g.Server()
	if srv.TLSConfig, err = set.tls(); err != nil {
		return err
	}
	l, err := net.Listen("tcp", cmp.Or(req.Listen, set.Listen))
	if err != nil {
		return fmt.Errorf("gateway: %w", err)
	}
	report(event("listening", Event{What: "gateway", Address: l.Addr().String()}))
	report(event("listening", Event{What: "broker", Address: address}))
	return serveGateway(ctx, g, srv, l, report)
}

func serveGateway(ctx context.Context, g *gateway.Gateway, srv *http.Server, l net.Listener, report func(Event)) error {
	sending, stopSending := context.WithCancel(context.WithoutCancel(ctx))
	sent := make(chan struct{})
	go func() { g.Run(sending); close(sent) }()
	served := make(chan error, 1)
	go func() {
		if srv.TLSConfig != nil {
			served <- srv.ServeTLS(l, "", "")
		} else {
			served <- srv.Serve(l)
		}
	}()
	var err error
	select {
	case err = <-served:
	case <-ctx.Done():
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), gatewayStop)
		defer cancel()
		err = srv.Shutdown(end) // waits for answers, which wait for Kafka
		<-served
	}
	stopSending()
	<-sent
	if err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("gateway: %w", err)
	}
	report(event("stopped", Event{}))
	return nil
}

// tls gives the TLS configuration, nil for plain HTTP.
func (s *GatewaySettings) tls() (*tls.Config, error) {
	switch {
	case s.Cert == "" && s.Key == "" && s.ClientCA == "":
		return nil, nil
	case s.Cert == "" || s.Key == "":
		return nil, fmt.Errorf("gateway.cert and gateway.key belong together, and gateway.client_ca needs both: %w", ErrUsage)
	}
	pair, err := tls.LoadX509KeyPair(s.Cert, s.Key)
	if err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	cfg := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if s.ClientCA != "" {
		ca, err := roots(s.ClientCA)
		if err != nil {
			return nil, fmt.Errorf("gateway.client_%w", err)
		}
		cfg.ClientCAs, cfg.ClientAuth = ca.RootCAs, tls.VerifyClientCertIfGiven
	}
	return cfg, nil
}
