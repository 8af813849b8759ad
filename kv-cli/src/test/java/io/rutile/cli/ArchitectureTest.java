package io.rutile.cli;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The walls that Maven can't keep: the order of rooms inside modules, and who may know which library. */
@AnalyzeClasses(packages = "io.rutile", importOptions = DoNotIncludeTests.class)
class ArchitectureTest {

    @ArchTest
    static final ArchRule onlyRaftKnowsJRaft = noClasses()
            .that()
            .resideOutsideOfPackage("io.rutile.raft..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("com.alipay..");

    @ArchTest
    static final ArchRule onlyEngineAndRaftKnowRocksDb = noClasses()
            .that()
            .resideOutsideOfPackages("io.rutile.raft..", "io.rutile.storage.engine..", "io.rutile.cli.bench..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.rocksdb..");

    @ArchTest
    static final ArchRule librariesAreFreeOfSpring = noClasses()
            .that()
            .resideInAnyPackage(
                    "io.rutile.protocol..",
                    "io.rutile.tls",
                    "io.rutile.trace",
                    "io.rutile.raft..",
                    "io.rutile.storage..",
                    "io.rutile.client..",
                    "io.rutile.cli..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.springframework..");

    @ArchTest
    static final ArchRule springStaysAtTheEdgesOfServices = noClasses()
            .that()
            .resideInAnyPackage(
                    "io.rutile.node.raftstore..",
                    "io.rutile.node.placement..",
                    "io.rutile.node.rpc..",
                    "io.rutile.node.gc..",
                    "io.rutile.node.deadlock..",
                    "io.rutile.node.resolved..",
                    "io.rutile.node.cdc..",
                    "io.rutile.pd.http..",
                    "io.rutile.pd.leader..",
                    "io.rutile.pd.tso..",
                    "io.rutile.pd.schedule..",
                    "io.rutile.pd.gc..",
                    "io.rutile.pd.cluster..",
                    "io.rutile.pd.meta..",
                    "io.rutile.gateway.kv..",
                    "io.rutile.gateway.access..",
                    "io.rutile.gateway.console..",
                    "io.rutile.gateway.grpc..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.springframework..");

    @ArchTest
    static final ArchRule onlyTheGrpcEdgeOfTheGatewaySpeaksGrpc = noClasses()
            .that()
            .resideInAnyPackage(
                    "io.rutile.gateway.kv..",
                    "io.rutile.gateway.access..",
                    "io.rutile.gateway.console..",
                    "io.rutile.gateway.rest..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("io.grpc..", "io.rutile.gateway.grpc..", "io.rutile.gateway.v1..");

    @ArchTest
    static final ArchRule edgesOfTheGatewayDoNotKnowEachOther = noClasses()
            .that()
            .resideInAPackage("io.rutile.gateway.grpc..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("io.rutile.gateway.rest..");

    @ArchTest
    static final ArchRule protocolIsValuesOnly = noClasses()
            .that()
            .resideInAPackage("io.rutile.protocol..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(
                    "io.rutile.raft..",
                    "io.rutile.storage..",
                    "io.rutile.client..",
                    "io.rutile.node..",
                    "io.rutile.pd..");

    @ArchTest
    static final ArchRule tlsKnowsNoOtherRoom = noClasses()
            .that()
            .resideInAPackage("io.rutile.tls..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(
                    "io.rutile.protocol..",
                    "io.rutile.raft..",
                    "io.rutile.storage..",
                    "io.rutile.client..",
                    "io.rutile.node..",
                    "io.rutile.pd..",
                    "io.rutile.gateway..");

    @ArchTest
    static final ArchRule tracesKnowNoOtherRoom = noClasses()
            .that()
            .resideInAPackage("io.rutile.trace..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(
                    "io.rutile.protocol..",
                    "io.rutile.tls..",
                    "io.rutile.raft..",
                    "io.rutile.storage..",
                    "io.rutile.client..",
                    "io.rutile.node..",
                    "io.rutile.pd..",
                    "io.rutile.gateway..");

    /** How spans are made and sent is the shells' business; rooms know the interface alone. */
    @ArchTest
    static final ArchRule noRoomKnowsTheSdkOfTraces = noClasses()
            .that()
            .resideInAPackage("io.rutile..")
            .and()
            .resideOutsideOfPackage("io.rutile.trace.spring..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("io.opentelemetry.sdk..", "io.micrometer.tracing..");

    @ArchTest
    static final ArchRule raftStandsAlone = noClasses()
            .that()
            .resideInAPackage("io.rutile.raft..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("io.rutile.storage..", "io.rutile.client..", "io.rutile.node..", "io.rutile.pd..");

    @ArchTest
    static final ArchRule storageKnowsNeitherRaftNorNetwork = noClasses()
            .that()
            .resideInAPackage("io.rutile.storage..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(
                    "io.rutile.raft..", "io.rutile.client..", "io.rutile.node..", "io.grpc..", "io.opentelemetry..");

    @ArchTest
    static final ArchRule nodesKnowOnlyThePdRoomOfTheClient = noClasses()
            .that()
            .resideInAPackage("io.rutile.node..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(
                    "io.rutile.client",
                    "io.rutile.client.raw..",
                    "io.rutile.client.txn..",
                    "io.rutile.client.region..");

    @ArchTest
    static final ArchRule storageOrder = layeredArchitecture()
            .consideringOnlyDependenciesInLayers()
            .withOptionalLayers(true)
            .layer("front door")
            .definedBy("io.rutile.storage")
            .layer("commands of an API")
            .definedBy("io.rutile.storage.raw..", "io.rutile.storage.txn..")
            .layer("ordering")
            .definedBy("io.rutile.storage.command..")
            .layer("versions")
            .definedBy("io.rutile.storage.mvcc..")
            .layer("engine")
            .definedBy("io.rutile.storage.engine..")
            .whereLayer("commands of an API")
            .mayOnlyBeAccessedByLayers("front door")
            .whereLayer("ordering")
            .mayOnlyBeAccessedByLayers("front door", "commands of an API")
            .whereLayer("versions")
            .mayOnlyBeAccessedByLayers("front door", "commands of an API", "ordering");

    @ArchTest
    static final ArchRule nodeOrder = layeredArchitecture()
            .consideringOnlyDependenciesInLayers()
            .withOptionalLayers(true)
            .layer("assembly")
            .definedBy("io.rutile.node")
            .layer("doors")
            .definedBy(
                    "io.rutile.node.rpc..",
                    "io.rutile.node.placement..",
                    "io.rutile.node.gc..",
                    "io.rutile.node.deadlock..",
                    "io.rutile.node.resolved..",
                    "io.rutile.node.cdc..")
            .layer("raftstore")
            .definedBy("io.rutile.node.raftstore..")
            .whereLayer("assembly")
            .mayNotBeAccessedByAnyLayer()
            .whereLayer("doors")
            .mayOnlyBeAccessedByLayers("assembly");

    @ArchTest
    static final ArchRule pdOrder = layeredArchitecture()
            .consideringOnlyDependenciesInLayers()
            .withOptionalLayers(true)
            .layer("assembly")
            .definedBy("io.rutile.pd")
            .layer("doors")
            .definedBy("io.rutile.pd.rpc..")
            .layer("leader")
            .definedBy("io.rutile.pd.leader..")
            .layer("work")
            .definedBy("io.rutile.pd.tso..", "io.rutile.pd.schedule..", "io.rutile.pd.gc..")
            .layer("cluster")
            .definedBy("io.rutile.pd.cluster..")
            .layer("meta")
            .definedBy("io.rutile.pd.meta..")
            .whereLayer("assembly")
            .mayNotBeAccessedByAnyLayer()
            .whereLayer("doors")
            .mayOnlyBeAccessedByLayers("assembly")
            .whereLayer("leader")
            .mayOnlyBeAccessedByLayers("assembly", "doors")
            .whereLayer("work")
            .mayOnlyBeAccessedByLayers("assembly", "doors", "leader")
            .whereLayer("cluster")
            .mayOnlyBeAccessedByLayers("assembly", "doors", "leader", "work");

    @ArchTest
    static final ArchRule clientOrder = layeredArchitecture()
            .consideringOnlyDependenciesInLayers()
            .withOptionalLayers(true)
            .layer("APIs")
            .definedBy("io.rutile.client.raw..", "io.rutile.client.txn..")
            .layer("region")
            .definedBy("io.rutile.client.region..")
            .layer("pd")
            .definedBy("io.rutile.client.pd..")
            .whereLayer("region")
            .mayOnlyBeAccessedByLayers("APIs")
            .whereLayer("APIs")
            .mayNotBeAccessedByAnyLayer();

    @ArchTest
    static final ArchRule gatewayOrder = layeredArchitecture()
            .consideringOnlyDependenciesInLayers()
            .withOptionalLayers(true)
            .layer("assembly")
            .definedBy("io.rutile.gateway")
            .layer("doors")
            .definedBy("io.rutile.gateway.rest..", "io.rutile.gateway.grpc..")
            .layer("access")
            .definedBy("io.rutile.gateway.access..")
            .layer("console")
            .definedBy("io.rutile.gateway.console..")
            .layer("kv")
            .definedBy("io.rutile.gateway.kv..")
            .whereLayer("doors")
            .mayOnlyBeAccessedByLayers("assembly")
            .whereLayer("access")
            .mayOnlyBeAccessedByLayers("assembly", "doors")
            .whereLayer("console")
            .mayOnlyBeAccessedByLayers("assembly", "doors");

    /** What the console shows of the cluster is no way to data: that it reads over REST, in the name of whoever looks. */
    @ArchTest
    static final ArchRule theConsoleHasNoDataOfItsOwn = noClasses()
            .that()
            .resideInAPackage("io.rutile.gateway.console..")
            .should()
            .dependOnClassesThat()
            .haveNameMatching("io\\.rutile\\.(gateway\\.kv\\.\\w*(Operations|Sessions|Calls)|client\\.(raw|txn)\\..*)");

    /** Data only in the name of a caller: what does not ask is the assembly's to hand to the door that does. */
    @ArchTest
    static final ArchRule edgesOfTheGatewayGetAtDataThroughTheFrontDoor = noClasses()
            .that()
            .resideInAnyPackage("io.rutile.gateway.rest..", "io.rutile.gateway.grpc..")
            .should()
            .dependOnClassesThat()
            .haveNameMatching(
                    "io\\.rutile\\.gateway\\.kv\\.(TxnOperations|AtomicCalls|ClusterKvOperations|ClusterTxnOperations)");

    @ArchTest
    static final ArchRule checkersKnowHistoriesAndNothingElse = noClasses()
            .that()
            .resideInAPackage("io.rutile.cli.check..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(
                    "io.rutile.client..",
                    "io.rutile.cli.cluster..",
                    "io.rutile.cli.command..",
                    "io.rutile.cli.fault..",
                    "io.rutile.cli.verify..",
                    "io.rutile.cli.workload..");

    @ArchTest
    static final ArchRule benchOrder = layeredArchitecture()
            .consideringOnlyDependenciesInLayers()
            .layer("runs and reports")
            .definedBy("io.rutile.cli.bench")
            .layer("systems")
            .definedBy("io.rutile.cli.bench.subject..")
            .layer("long runs")
            .definedBy("io.rutile.cli.bench.stress..")
            .layer("load")
            .definedBy("io.rutile.cli.bench.load..")
            .whereLayer("runs and reports")
            .mayNotBeAccessedByAnyLayer()
            .whereLayer("long runs")
            .mayOnlyBeAccessedByLayers("runs and reports")
            .whereLayer("systems")
            .mayOnlyBeAccessedByLayers("runs and reports");

    @ArchTest
    static final ArchRule cliOrder = layeredArchitecture()
            .consideringOnlyDependenciesInLayers()
            .layer("commands")
            .definedBy("io.rutile.cli", "io.rutile.cli.command..", "io.rutile.cli.bench..")
            .layer("verify")
            .definedBy("io.rutile.cli.verify..")
            .layer("workload")
            .definedBy("io.rutile.cli.workload..")
            .layer("fault")
            .definedBy("io.rutile.cli.fault..")
            .layer("consistency")
            .definedBy("io.rutile.cli.consistency..")
            .layer("placement")
            .definedBy("io.rutile.cli.placement..")
            .layer("cluster")
            .definedBy("io.rutile.cli.cluster..")
            .whereLayer("verify")
            .mayOnlyBeAccessedByLayers("commands")
            .whereLayer("fault")
            .mayOnlyBeAccessedByLayers("verify", "commands")
            .whereLayer("workload")
            .mayOnlyBeAccessedByLayers("verify", "commands")
            .whereLayer("consistency")
            .mayOnlyBeAccessedByLayers("commands", "verify")
            .whereLayer("placement")
            .mayOnlyBeAccessedByLayers("commands", "verify", "fault", "consistency")
            .whereLayer("cluster")
            .mayOnlyBeAccessedByLayers("commands", "verify", "fault", "placement", "consistency");
}
