package dev.blip3o.deploy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import com.marcnuri.helm.LintResult;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.autoscaling.v2.MetricSpec;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The chart as Helm lints and renders it, every object read as Kubernetes defines it. */
class HelmChartTest {
  private static PodSpec pod(Map<String, ?> values) {
    return Chart.render(values).deployment().getSpec().getTemplate().getSpec();
  }

  private static Container server(Map<String, ?> values) {
    return pod(values).getContainers().get(0);
  }

  @Test
  void passesHelmsOwnLinter() {
    LintResult result = Chart.lint();
    assertFalse(result.isFailed(), () -> String.join("\n", result.getMessages()));
  }

  @Test
  void byDefaultServesTheDemoOnTheProcessor() {
    Manifests manifests = Chart.render(Map.of());
    assertEquals(Set.of("Deployment", "Service", "ServiceAccount"), manifests.kinds());
    assertEquals(manifests.kinds(), manifests.checkedKinds());
    assertEquals(1, manifests.deployment().getSpec().getReplicas());
    Container server = server(Map.of());
    assertEquals("blip3o:0.1.0", server.getImage());
    assertEquals(
        List.of("--model", "/opt/blip3o/demo", "--drain-timeout", "30s", "--memory", "4G"),
        server.getArgs());
    assertFalse(server.getResources().getLimits().containsKey("nvidia.com/gpu"));
  }

  @Test
  void aGpuIsALimitAndAnOption() {
    Container server = server(Map.of("gpu.count", 1));
    assertEquals(new Quantity("1"), server.getResources().getLimits().get("nvidia.com/gpu"));
    assertEquals(new Quantity("8Gi"), server.getResources().getLimits().get("memory"));
    assertEquals("cuda", server.getArgs().get(server.getArgs().indexOf("--device") + 1));
  }

  @Test
  void aRolloutNeedsNoSpareGpu() {
    var strategy = Chart.render(Map.of("gpu.count", 1)).deployment().getSpec().getStrategy();
    assertEquals(0, strategy.getRollingUpdate().getMaxSurge().getIntVal());
    assertEquals(1, strategy.getRollingUpdate().getMaxUnavailable().getIntVal());
  }

  @Test
  void probesAskTheServer() {
    Container server = server(Map.of());
    assertEquals("/healthz", server.getLivenessProbe().getHttpGet().getPath());
    assertEquals("/readyz", server.getReadinessProbe().getHttpGet().getPath());
    assertEquals("/readyz", server.getStartupProbe().getHttpGet().getPath());
    assertEquals(8080, server.getPorts().get(0).getContainerPort());
  }

  @Test
  void aPodIsGivenTheTimeToDrain() {
    PodSpec pod = pod(Map.of("drain.timeout", 120, "drain.beforeStop", 7));
    assertEquals(137, pod.getTerminationGracePeriodSeconds());
    assertEquals(
        List.of("sleep", "7"),
        pod.getContainers().get(0).getLifecycle().getPreStop().getExec().getCommand());
  }

  @Test
  void thePodOwnsNothing() {
    PodSpec pod = pod(Map.of());
    assertTrue(pod.getSecurityContext().getRunAsNonRoot());
    assertFalse(pod.getAutomountServiceAccountToken());
    var rights = pod.getContainers().get(0).getSecurityContext();
    assertTrue(rights.getReadOnlyRootFilesystem());
    assertFalse(rights.getAllowPrivilegeEscalation());
    assertEquals(List.of("ALL"), rights.getCapabilities().getDrop());
  }

  @Test
  void scalesOnTheDepthOfTheQueue() {
    Map<String, ?> values =
        Map.of(
            "autoscaling.enabled", true, "autoscaling.maxReplicas", 6, "autoscaling.queueDepth", 3);
    Manifests manifests = Chart.render(values);
    assertNull(manifests.deployment().getSpec().getReplicas());
    var spec = manifests.autoscaler().getSpec();
    assertEquals(6, spec.getMaxReplicas());
    assertEquals(
        manifests.deployment().getMetadata().getName(), spec.getScaleTargetRef().getName());
    MetricSpec metric = spec.getMetrics().get(0);
    assertEquals("blip3o_queue_depth", metric.getPods().getMetric().getName());
    assertEquals(new Quantity("3"), metric.getPods().getTarget().getAverageValue());
  }

  @Test
  void mountsACheckpointAndKeysReadOnly() {
    Map<String, ?> values =
        Map.of(
            "model.path", "/model",
            "model.existingClaim", "weights",
            "model.aliases[0]", "gpt-image-1",
            "auth.existingSecret", "clients");
    PodSpec pod = pod(values);
    Container server = pod.getContainers().get(0);
    assertTrue(
        server.getVolumeMounts().stream()
            .filter(mount -> Set.of("model", "keys").contains(mount.getName()))
            .allMatch(mount -> Boolean.TRUE.equals(mount.getReadOnly())));
    assertEquals(4, server.getVolumeMounts().size());
    List<String> options = server.getArgs();
    assertEquals("/model", options.get(options.indexOf("--model") + 1));
    assertEquals("gpt-image-1", options.get(options.indexOf("--model-alias") + 1));
    assertEquals("/etc/blip3o/keys", options.get(options.indexOf("--keys") + 1));
  }

  @Test
  void everyPartCanBeTurnedOn() {
    Map<String, ?> values =
        Map.of(
            "autoscaling.enabled", true,
            "ingress.enabled", true,
            "ingress.hosts[0].host", "pictures.example.org",
            "metrics.podMonitor.enabled", true,
            "networkPolicy.enabled", true,
            "podDisruptionBudget.enabled", true);
    Manifests manifests = Chart.render(values);
    assertEquals(8, manifests.kinds().size());
    assertEquals(
        Set.of("PodMonitor"), // the Prometheus operator's, not Kubernetes' own
        manifests.kinds().stream()
            .filter(kind -> !manifests.checkedKinds().contains(kind))
            .collect(Collectors.toSet()));
    assertEquals(
        "/metrics", manifests.object("PodMonitor").at("/spec/podMetricsEndpoints/0/path").asText());
    assertEquals(
        List.of("Ingress", "Egress"), manifests.networkPolicy().getSpec().getPolicyTypes());
    assertEquals("pictures.example.org", manifests.ingress().getSpec().getRules().get(0).getHost());
  }

  @Test
  void refusesAValueThatDoesNotExist() {
    refused(Map.of("gpus.count", 1), "gpus");
    refused(Map.of("drain.timeout", 0), "timeout");
  }

  private static void refused(Map<String, ?> values, String name) {
    String message =
        assertThrows(IllegalStateException.class, () -> Chart.render(values)).getMessage();
    assertTrue(message.contains("schema") && message.contains(name), message);
  }

  /** So that the other tests mean something. */
  @Test
  void aFieldThatKubernetesDoesNotHaveIsFound() {
    String yaml =
        """
        apiVersion: v1
        kind: Service
        metadata:
          name: demo
        spec:
          port: []
        """;
    UncheckedIOException failure =
        assertThrows(UncheckedIOException.class, () -> Manifests.read(yaml));
    assertTrue(failure.getCause() instanceof UnrecognizedPropertyException);
  }
}
