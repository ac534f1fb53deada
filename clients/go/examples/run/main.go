// Runs a deployment, shows its log while it runs, and exits with 0 if it has completed.
//
//	HEADRACE_GRPC_ADDRESS=localhost:4201 HEADRACE_GRPC_PLAINTEXT=1 go run ./examples/run hello/nightly
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	headrace "github.com/headrace/headrace/clients/go"
	headracev1 "github.com/headrace/headrace/clients/go/headrace/api/v1"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: run FLOW/DEPLOYMENT")
	}
	state, err := run(context.Background(), os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(state.GetName())
	if state.GetType() != headracev1.StateType_STATE_TYPE_COMPLETED {
		os.Exit(1)
	}
}

func run(ctx context.Context, name string) (*headracev1.State, error) {
	client, err := headrace.Connect(headrace.FromEnvironment())
	if err != nil {
		return nil, err
	}
	defer client.Close()
	flow, deployment, _ := strings.Cut(name, "/")
	found, err := client.Deployments.GetDeploymentByName(ctx, &headracev1.GetDeploymentByNameRequest{
		FlowName: flow, DeploymentName: deployment,
	})
	if err != nil {
		return nil, err
	}
	started, err := client.Deployments.RunDeployment(ctx, &headracev1.RunDeploymentRequest{
		DeploymentId: found.GetDeployment().GetDeploymentId(),
	})
	if err != nil {
		return nil, err
	}
	id := started.GetFlowRun().GetFlowRunId()
	logs, err := client.Logs.FollowLogs(ctx, &headracev1.FollowLogsRequest{
		Filter: &headracev1.LogFilter{FlowRunIds: []string{id}}, UntilFinal: true,
	})
	if err != nil {
		return nil, err
	}
	for {
		batch, err := logs.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		for _, record := range batch.GetLogs() {
			fmt.Println(record.GetOccurredAt().AsTime().Format("15:04:05.000"), record.GetMessage())
		}
	}
	over, err := client.FlowRuns.GetFlowRun(ctx, &headracev1.GetFlowRunRequest{FlowRunId: id})
	return over.GetFlowRun().GetState(), err
}
