// Package headrace connects to a Headrace server.
//
// The messages and services are those of package headracev1, generated from the server's contract.
package headrace

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	headracev1 "github.com/headrace/headrace/clients/go/headrace/api/v1"
)

// retryPolicy repeats calls that no server has taken up; what a server refuses is not repeated.
const retryPolicy = `{
  "loadBalancingConfig": [{"round_robin": {}}],
  "methodConfig": [{
    "name": [{}],
    "retryPolicy": {
      "maxAttempts": 5,
      "initialBackoff": "0.1s",
      "maxBackoff": "5s",
      "backoffMultiplier": 2,
      "retryableStatusCodes": ["UNAVAILABLE"]
    }
  }]
}`

// Options say which server, and who calls.
type Options struct {
	// Address is host:port of the front door, which speaks gRPC.
	Address string
	// APIKey signs the calls in; empty where the server needs no sign-in.
	APIKey string
	// Workspace is the id of the workspace; empty for the key's own.
	Workspace string
	// Plaintext connects without TLS. With an API key it is refused except on loopback.
	Plaintext bool
	// CAFile holds the certificates to trust, PEM; empty for the system's.
	CAFile string
}

// FromEnvironment reads HEADRACE_GRPC_ADDRESS, HEADRACE_API_KEY, HEADRACE_WORKSPACE, HEADRACE_API_CA_FILE, and
// HEADRACE_GRPC_PLAINTEXT (any value but empty, "0" and "false").
func FromEnvironment() Options {
	plaintext := strings.ToLower(os.Getenv("HEADRACE_GRPC_PLAINTEXT"))
	return Options{
		Address:   os.Getenv("HEADRACE_GRPC_ADDRESS"),
		APIKey:    os.Getenv("HEADRACE_API_KEY"),
		Workspace: os.Getenv("HEADRACE_WORKSPACE"),
		CAFile:    os.Getenv("HEADRACE_API_CA_FILE"),
		Plaintext: plaintext != "" && plaintext != "0" && plaintext != "false",
	}
}

// Client is a connection with the services that programs use most. Others take Conn.
type Client struct {
	Conn        *grpc.ClientConn
	Deployments headracev1.DeploymentServiceClient
	FlowRuns    headracev1.FlowRunServiceClient
	TaskRuns    headracev1.TaskRunServiceClient
	Logs        headracev1.LogServiceClient
	Events      headracev1.EventServiceClient
	Artifacts   headracev1.ArtifactServiceClient
	Variables   headracev1.VariableServiceClient
	WorkPools   headracev1.WorkPoolServiceClient
}

// Connect prepares a connection; it is made with the first call, and made again when it breaks.
func Connect(options Options) (*Client, error) {
	if options.Address == "" {
		return nil, errors.New("headrace: the address of the server is missing, for example localhost:4201")
	}
	transport, err := transportOf(options)
	if err != nil {
		return nil, err
	}
	conn, err := grpc.NewClient(
		options.Address,
		grpc.WithTransportCredentials(transport),
		grpc.WithPerRPCCredentials(caller(options)),
		grpc.WithDefaultServiceConfig(retryPolicy),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 30 * time.Second, Timeout: 10 * time.Second}),
	)
	if err != nil {
		return nil, fmt.Errorf("headrace: %w", err)
	}
	return &Client{
		Conn:        conn,
		Deployments: headracev1.NewDeploymentServiceClient(conn),
		FlowRuns:    headracev1.NewFlowRunServiceClient(conn),
		TaskRuns:    headracev1.NewTaskRunServiceClient(conn),
		Logs:        headracev1.NewLogServiceClient(conn),
		Events:      headracev1.NewEventServiceClient(conn),
		Artifacts:   headracev1.NewArtifactServiceClient(conn),
		Variables:   headracev1.NewVariableServiceClient(conn),
		WorkPools:   headracev1.NewWorkPoolServiceClient(conn),
	}, nil
}

// Close ends the connection.
func (c *Client) Close() error {
	return c.Conn.Close()
}

func transportOf(options Options) (credentials.TransportCredentials, error) {
	if options.Plaintext {
		if options.APIKey != "" && !isLoopback(options.Address) {
			return nil, errors.New("headrace: an API key must not travel without TLS")
		}
		return insecure.NewCredentials(), nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if options.CAFile != "" {
		pem, err := os.ReadFile(options.CAFile)
		if err != nil {
			return nil, fmt.Errorf("headrace: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("headrace: there is no certificate in %s", options.CAFile)
		}
	}
	return credentials.NewTLS(config), nil
}

func isLoopback(address string) bool {
	for _, host := range []string{"localhost:", "127.", "[::1]:"} {
		if strings.HasPrefix(address, host) {
			return true
		}
	}
	return false
}

type callerCredentials struct {
	metadata map[string]string
}

func caller(options Options) callerCredentials {
	metadata := map[string]string{}
	if options.APIKey != "" {
		metadata["authorization"] = "Bearer " + options.APIKey
	}
	if options.Workspace != "" {
		metadata["headrace-workspace"] = options.Workspace
	}
	return callerCredentials{metadata}
}

func (c callerCredentials) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return c.metadata, nil
}

// RequireTransportSecurity is false, since Connect has looked after it.
func (c callerCredentials) RequireTransportSecurity() bool {
	return false
}
