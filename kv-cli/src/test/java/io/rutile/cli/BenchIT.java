package io.rutile.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The benchmark as it is run, on keys of its own: every subject answers without an error, floors in their processes too. No figure is judged. */
@Tag("cluster")
@ExtendWith(SharedHouse.class)
class BenchIT {

    @Test
    void measuresEveryDoorAndEveryFloor(TestHouse house, @TempDir Path scratch) throws Exception {
        Path json = scratch.resolve("report.json");

        CommandRun bench = CommandRun.run(
                scratch,
                "bench",
                "--endpoint",
                String.join(",", house.cluster().layout().pdEndpoints()),
                "--rest",
                house.gatewayUrl(),
                "--gateway-grpc",
                house.cluster().layout().gatewayGrpc(),
                "--data",
                scratch.resolve("floors").toString(),
                "--subjects",
                "grpc,txn,rest,gateway,echo,raft,tso-echo",
                "--ops",
                "put,tso,held-get,ycsb-e",
                "--regions",
                "4",
                "--clients",
                "4",
                "--keys",
                "500",
                "--duration",
                "0.5",
                "--warm-up",
                "0",
                "--json",
                json.toString());

        assertThat(bench.exitCode()).as("%s", bench.err()).isZero();
        JsonObject report = JsonParser.parseString(Files.readString(json)).getAsJsonObject();
        assertThat(report.getAsJsonArray("remarks"))
                .as("four regions before and after")
                .noneMatch(remark -> remark.getAsString().contains("regions"));
        List<String> measured = new ArrayList<>();
        for (JsonElement element : report.getAsJsonArray("cells")) {
            JsonObject cell = element.getAsJsonObject();
            JsonObject id = cell.getAsJsonObject("id");
            JsonObject run = cell.getAsJsonArray("runs").get(0).getAsJsonObject();
            measured.add(id.get("operation").getAsString().substring(0, 3) + ", "
                    + id.get("subject").getAsString());
            assertThat(run.getAsJsonObject("errors").size()).as("%s", cell).isZero();
            assertThat(run.get("operations").getAsLong()).as("%s", id).isPositive();
            assertThat(id.get("regions").getAsInt()).isEqualTo(4);
        }
        assertThat(measured)
                .containsExactly(
                        "put, gRPC",
                        "put, gRPC, transactions",
                        "put, REST",
                        "put, gateway's gRPC",
                        "put, gRPC echo",
                        "put, bare kv-raft",
                        "tim, gRPC",
                        "tim, timestamp echo",
                        "get, gRPC",
                        "YCS, gRPC",
                        "YCS, gRPC, transactions",
                        "YCS, REST");
        assertThat(bench.out()).anyMatch(line -> line.startsWith("| put | 4 | 4 | bare kv-raft |"));
    }
}
