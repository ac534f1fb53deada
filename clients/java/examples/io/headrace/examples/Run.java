package io.headrace.examples;

import io.headrace.api.v1.FollowLogsRequest;
import io.headrace.api.v1.GetDeploymentByNameRequest;
import io.headrace.api.v1.GetFlowRunRequest;
import io.headrace.api.v1.LogFilter;
import io.headrace.api.v1.RunDeploymentRequest;
import io.headrace.api.v1.State;
import io.headrace.api.v1.StateType;
import io.headrace.client.Headrace;

/**
 * Runs a deployment, shows its log while it runs, and exits with 0 if it has completed.
 *
 * <p>HEADRACE_GRPC_ADDRESS=localhost:4201 HEADRACE_GRPC_PLAINTEXT=1 java -cp 'target/*:target/libraries/*'
 * io.headrace.examples.Run hello/nightly
 */
public final class Run {
  public static void main(String[] arguments) throws Exception {
    String[] names = arguments.length == 1 ? arguments[0].split("/") : new String[0];
    if (names.length != 2) {
      System.err.println("usage: Run FLOW/DEPLOYMENT");
      System.exit(2);
    }
    State state;
    try (Headrace headrace = Headrace.fromEnvironment()) {
      var named = GetDeploymentByNameRequest.newBuilder().setFlowName(names[0]).setDeploymentName(names[1]).build();
      var deployment = headrace.deployments().getDeploymentByName(named).getDeployment();
      var wanted = RunDeploymentRequest.newBuilder().setDeploymentId(deployment.getDeploymentId()).build();
      String id = headrace.deployments().runDeployment(wanted).getFlowRun().getFlowRunId();
      var filter = LogFilter.newBuilder().addFlowRunIds(id);
      var followed = FollowLogsRequest.newBuilder().setFilter(filter).setUntilFinal(true).build();
      headrace
          .logs()
          .followLogs(followed)
          .forEachRemaining(
              batch -> batch.getLogsList().forEach(record -> System.out.println(record.getMessage())));
      state =
          headrace.flowRuns().getFlowRun(GetFlowRunRequest.newBuilder().setFlowRunId(id).build())
              .getFlowRun().getState();
    }
    System.out.println(state.getName());
    System.exit(state.getType() == StateType.STATE_TYPE_COMPLETED ? 0 : 1);
  }
}
