package dev.blip3o.deploy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.introspect.Annotated;
import com.fasterxml.jackson.databind.introspect.JacksonAnnotationIntrospector;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.ServiceAccount;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.autoscaling.v2.HorizontalPodAutoscaler;
import io.fabric8.kubernetes.api.model.networking.v1.Ingress;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Rendered objects of Kubernetes by kind, one of each. */
final class Manifests {
  /** Those whose definitions are Kubernetes' own: they are read strictly. */
  private static final Map<String, Class<?>> KINDS =
      Map.of(
          "v1/Service", Service.class,
          "v1/ServiceAccount", ServiceAccount.class,
          "apps/v1/Deployment", Deployment.class,
          "autoscaling/v2/HorizontalPodAutoscaler", HorizontalPodAutoscaler.class,
          "networking.k8s.io/v1/Ingress", Ingress.class,
          "networking.k8s.io/v1/NetworkPolicy", NetworkPolicy.class,
          "policy/v1/PodDisruptionBudget", PodDisruptionBudget.class);

  private static final ObjectMapper STRICT =
      new ObjectMapper()
          .setAnnotationIntrospector(new WithoutAnySetters())
          .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);

  /** The models take in every field that they don't know; here such a field is a mistake. */
  private static final class WithoutAnySetters extends JacksonAnnotationIntrospector {
    private static final long serialVersionUID = 1L;

    @Override
    public Boolean hasAnySetter(Annotated annotated) {
      return false;
    }
  }

  private final Map<String, JsonNode> objects = new TreeMap<>();
  private final Map<String, Object> models = new TreeMap<>();

  private Manifests() {}

  /** Reads a stream of YAML documents; a field that Kubernetes does not have is an error. */
  static Manifests read(String yaml) {
    Manifests manifests = new Manifests();
    YAMLMapper mapper = new YAMLMapper();
    try (var documents = mapper.readerFor(JsonNode.class).<JsonNode>readValues(yaml)) {
      while (documents.hasNext()) {
        JsonNode document = documents.next();
        if (document.isObject()) {
          manifests.add(document);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return manifests;
  }

  private void add(JsonNode object) throws JsonProcessingException {
    String kind = object.path("kind").asText();
    if (objects.put(kind, object) != null) {
      throw new IllegalStateException("the chart renders two objects of kind " + kind);
    }
    Class<?> type = KINDS.get(object.path("apiVersion").asText() + "/" + kind);
    if (type != null) {
      models.put(kind, STRICT.treeToValue(object, type));
    }
  }

  /** The kinds that were rendered. */
  Set<String> kinds() {
    return objects.keySet();
  }

  /** The kinds that were read strictly, as Kubernetes defines them. */
  Set<String> checkedKinds() {
    return models.keySet();
  }

  /** The object of this kind as it was rendered. */
  JsonNode object(String kind) {
    JsonNode object = objects.get(kind);
    if (object == null) {
      throw new IllegalStateException("the chart renders no " + kind + ", only " + kinds());
    }
    return object;
  }

  Deployment deployment() {
    return (Deployment) models.get("Deployment");
  }

  HorizontalPodAutoscaler autoscaler() {
    return (HorizontalPodAutoscaler) models.get("HorizontalPodAutoscaler");
  }

  NetworkPolicy networkPolicy() {
    return (NetworkPolicy) models.get("NetworkPolicy");
  }

  Ingress ingress() {
    return (Ingress) models.get("Ingress");
  }
}
