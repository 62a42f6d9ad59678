package main

type gatewayCmd struct {
	Listen string `placeholder:"HOST:PORT" help:"Address to listen on (default gateway.listen, 127.0.0.1:8080)."`
}

// Help teaches the command.
func (gatewayCmd) Help() string {
	return `Receives Meta's webhooks on /webhooks and the events of your middleware on /inputs/sends, consent, templates and directory, and puts them into Kafka, byte for byte. It answers
200 only once Kafka has acknowledged on all replicas; before that, whoever sends has it still and sends it again. A wrong signature is 401 and reaches nothing.

Secrets come from variables or the settings file, never from flags: WAXSEAL_GATEWAY_SECRETS (the app secrets, with commas; while one is changed both), WAXSEAL_GATEWAY_VERIFY (the
verify token of the handshake), WAXSEAL_GATEWAY_TOKENS (of middleware). gateway.cert and gateway.key make it speak TLS, gateway.client_ca takes client certificates in place
of tokens. Put a proxy in front of it that the internet may reach, or give it a certificate.

Examples:
  WAXSEAL_GATEWAY_SECRETS=… WAXSEAL_GATEWAY_VERIFY=… waxseal gateway --broker kafka:9092
  waxseal gateway --config /etc/waxseal.yaml --listen 0.0.0.0:8443`
}

// Run receives until it is interrupted.
func (c gatewayCmd) Run(s *session) error {
	return s.withApp(func(app App) error { return app.Gateway(s.ctx, GatewayRequest{Listen: c.Listen}, s.report) })
}
