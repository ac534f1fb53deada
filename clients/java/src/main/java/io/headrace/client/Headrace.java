package io.headrace.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ChannelCredentials;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.TlsChannelCredentials;
import io.headrace.api.v1.DeploymentServiceGrpc;
import io.headrace.api.v1.FlowRunServiceGrpc;
import io.headrace.api.v1.LogServiceGrpc;
import io.headrace.api.v1.TaskRunServiceGrpc;
import io.headrace.api.v1.VariableServiceGrpc;
import java.io.File;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A connection to a Headrace server. It is made with the first call, and made again when it breaks. */
public final class Headrace implements AutoCloseable {
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
  private static final Metadata.Key<String> WORKSPACE =
      Metadata.Key.of("headrace-workspace", Metadata.ASCII_STRING_MARSHALLER);
  private static final long SECONDS_TO_CLOSE = 5;

  /** Repeats calls that no server has taken up; what a server refuses is not repeated. */
  private static final Map<String, ?> RETRIES =
      Map.of(
          "methodConfig",
          List.of(
              Map.of(
                  "name", List.of(Map.of()),
                  "retryPolicy",
                      Map.of(
                          "maxAttempts", 5.0,
                          "initialBackoff", "0.1s",
                          "maxBackoff", "5s",
                          "backoffMultiplier", 2.0,
                          "retryableStatusCodes", List.of("UNAVAILABLE")))));

  private final ManagedChannel transport;
  private final Channel channel;

  private Headrace(ManagedChannel transport, Metadata caller) {
    this.transport = transport;
    this.channel = io.grpc.ClientInterceptors.intercept(transport, new Signing(caller));
  }

  /**
   * Returns a connection.
   *
   * @param address host:port of the front door, which speaks gRPC
   * @param apiKey signs the calls in; empty where the server needs no sign-in
   * @param workspace id of the workspace; empty for the key's own
   * @param plaintext whether to connect without TLS; with a key only on loopback
   * @param caFile certificates to trust, PEM; null for the system's
   * @throws IOException if the certificates cannot be read
   * @throws IllegalArgumentException if a key would travel in the clear
   */
  public static Headrace connect(String address, String apiKey, String workspace, boolean plaintext, File caFile)
      throws IOException {
    boolean isLoopback = address.startsWith("localhost:") || address.startsWith("127.") || address.startsWith("[::1]:");
    if (plaintext && !apiKey.isEmpty() && !isLoopback) {
      throw new IllegalArgumentException("an API key must not travel without TLS");
    }
    ChannelCredentials credentials;
    if (plaintext) {
      credentials = InsecureChannelCredentials.create();
    } else if (caFile != null) {
      credentials = TlsChannelCredentials.newBuilder().trustManager(caFile).build();
    } else {
      credentials = TlsChannelCredentials.create();
    }
    Metadata caller = new Metadata();
    if (!apiKey.isEmpty()) {
      caller.put(AUTHORIZATION, "Bearer " + apiKey);
    }
    if (!workspace.isEmpty()) {
      caller.put(WORKSPACE, workspace);
    }
    ManagedChannel transport =
        Grpc.newChannelBuilder(address, credentials)
            .defaultServiceConfig(RETRIES)
            .keepAliveTime(30, TimeUnit.SECONDS)
            .build();
    return new Headrace(transport, caller);
  }

  /**
   * Returns a connection as HEADRACE_GRPC_ADDRESS, HEADRACE_API_KEY, HEADRACE_WORKSPACE, HEADRACE_API_CA_FILE and
   * HEADRACE_GRPC_PLAINTEXT (any value but empty, "0" and "false") say.
   */
  public static Headrace fromEnvironment() throws IOException {
    String plaintext = variable("HEADRACE_GRPC_PLAINTEXT").toLowerCase();
    String caFile = variable("HEADRACE_API_CA_FILE");
    return connect(
        variable("HEADRACE_GRPC_ADDRESS"),
        variable("HEADRACE_API_KEY"),
        variable("HEADRACE_WORKSPACE"),
        !plaintext.isEmpty() && !plaintext.equals("0") && !plaintext.equals("false"),
        caFile.isEmpty() ? null : new File(caFile));
  }

  /** Returns the channel, for the stubs of services that have no method here. */
  public Channel channel() {
    return channel;
  }

  public DeploymentServiceGrpc.DeploymentServiceBlockingStub deployments() {
    return DeploymentServiceGrpc.newBlockingStub(channel);
  }

  public FlowRunServiceGrpc.FlowRunServiceBlockingStub flowRuns() {
    return FlowRunServiceGrpc.newBlockingStub(channel);
  }

  public TaskRunServiceGrpc.TaskRunServiceBlockingStub taskRuns() {
    return TaskRunServiceGrpc.newBlockingStub(channel);
  }

  public LogServiceGrpc.LogServiceBlockingStub logs() {
    return LogServiceGrpc.newBlockingStub(channel);
  }

  public VariableServiceGrpc.VariableServiceBlockingStub variables() {
    return VariableServiceGrpc.newBlockingStub(channel);
  }

  /** Ends the connection; calls in progress have some seconds. */
  @Override
  public void close() throws InterruptedException {
    if (!transport.shutdown().awaitTermination(SECONDS_TO_CLOSE, TimeUnit.SECONDS)) {
      transport.shutdownNow();
    }
  }

  private static String variable(String name) {
    return System.getenv().getOrDefault(name, "");
  }

  private record Signing(Metadata caller) implements ClientInterceptor {
    @Override
    public <Q, A> ClientCall<Q, A> interceptCall(MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
      return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
        @Override
        public void start(Listener<A> listener, Metadata headers) {
          headers.merge(caller);
          super.start(listener, headers);
        }
      };
    }
  }
}
