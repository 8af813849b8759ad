package io.rutile.pd;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** rpc, http → leader → tso, schedule, gc → cluster → meta → raft; Spring and Raft only where the house says. */
@AnalyzeClasses(packages = "io.rutile.pd", importOptions = DoNotIncludeTests.class)
class PdArchitectureTest {

    @ArchTest
    static final ArchRule roomsUseEachOtherInOneDirection = layeredArchitecture()
            .consideringOnlyDependenciesInLayers()
            .layer("assembly")
            .definedBy("io.rutile.pd")
            .layer("rpc")
            .definedBy("io.rutile.pd.rpc..")
            .layer("http")
            .definedBy("io.rutile.pd.http..")
            .layer("leader")
            .definedBy("io.rutile.pd.leader..")
            .layer("tso")
            .definedBy("io.rutile.pd.tso..")
            .layer("schedule")
            .definedBy("io.rutile.pd.schedule..")
            .layer("gc")
            .definedBy("io.rutile.pd.gc..")
            .layer("cluster")
            .definedBy("io.rutile.pd.cluster..")
            .layer("meta")
            .definedBy("io.rutile.pd.meta..")
            .whereLayer("assembly")
            .mayNotBeAccessedByAnyLayer()
            .whereLayer("rpc")
            .mayOnlyBeAccessedByLayers("assembly")
            .whereLayer("http")
            .mayOnlyBeAccessedByLayers("assembly")
            .whereLayer("leader")
            .mayOnlyBeAccessedByLayers("assembly", "rpc", "http")
            .whereLayer("tso")
            .mayOnlyBeAccessedByLayers("assembly", "rpc", "leader")
            .whereLayer("schedule")
            .mayOnlyBeAccessedByLayers("assembly", "rpc", "http", "leader")
            .whereLayer("gc")
            .mayOnlyBeAccessedByLayers("assembly", "leader")
            .whereLayer("cluster")
            .mayOnlyBeAccessedByLayers("assembly", "rpc", "http", "leader", "schedule", "gc");

    @ArchTest
    static final ArchRule onlyHardStateAndAssemblyKnowRaft = noClasses()
            .that()
            .resideOutsideOfPackages("io.rutile.pd", "io.rutile.pd.meta..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("io.rutile.raft..");

    @ArchTest
    static final ArchRule springIsTheShell = noClasses()
            .that()
            .resideOutsideOfPackage("io.rutile.pd")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.springframework..");
}
