package dev.blip3o.deploy;

import com.marcnuri.helm.Helm;
import com.marcnuri.helm.LintResult;
import com.marcnuri.helm.TemplateCommand;
import java.nio.file.Path;
import java.util.Map;

/** The Helm chart in {@code deploy/helm/blip3o}, linted and rendered by Helm itself. */
final class Chart {
  private static final Path FOLDER =
      Path.of(System.getProperty("blip3o.root"), "deploy", "helm", "blip3o").normalize();

  private static final String KUBERNETES = "1.30.0";

  private Chart() {}

  /** What {@code helm lint --strict} says. */
  static LintResult lint() {
    return new Helm(FOLDER).lint().strict().call();
  }

  /**
   * What {@code helm template} renders for the release {@code demo}.
   *
   * @param values by their paths, as {@code --set} takes them
   * @throws IllegalStateException if Helm refuses them
   */
  static Manifests render(Map<String, ?> values) {
    TemplateCommand template =
        new Helm(FOLDER)
            .template()
            .withName("demo")
            .withNamespace("here")
            .withKubeVersion(KUBERNETES);
    values.forEach(template::set);
    return Manifests.read(template.call());
  }
}
