package dev.blip3o;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The rules of the house that the Java packages can break. */
@AnalyzeClasses(packages = "dev.blip3o", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
  @ArchTest
  static final ArchRule ONLY_INTERNAL_KNOWS_OTHERS_LIBRARIES =
      noClasses()
          .that()
          .resideInAPackage("dev.blip3o")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "dev.blip3o.bindings..",
              "org.bytedeco..",
              "ai.djl..",
              "com.fasterxml..",
              "com.drew..",
              "javax.imageio..");

  @ArchTest
  static final ArchRule ONE_CLASS_MAPS_STATUSES =
      noClasses()
          .that()
          .resideInAPackage("dev.blip3o.internal")
          .and()
          .doNotHaveSimpleName("StatusExceptions")
          .should()
          .callConstructor(InsufficientMemoryException.class, String.class)
          .orShould()
          .callConstructor(NumericException.class, String.class)
          .orShould()
          .callConstructor(UnsupportedException.class, String.class);

  @ArchTest
  static final ArchRule EXCEPTIONS_HAVE_ONE_BASE =
      classes()
          .that()
          .resideInAPackage("dev.blip3o")
          .and()
          .haveSimpleNameEndingWith("Exception")
          .should()
          .beAssignableTo(Blip3oException.class);

  @ArchTest
  static final ArchRule NOTHING_PRINTS_OR_EXITS =
      noClasses()
          .that()
          .resideInAnyPackage("dev.blip3o", "dev.blip3o.internal")
          .should()
          .accessField(System.class, "out")
          .orShould()
          .accessField(System.class, "err")
          .orShould()
          .callMethod(System.class, "exit", int.class)
          .orShould()
          .callMethod(Throwable.class, "printStackTrace");
}
