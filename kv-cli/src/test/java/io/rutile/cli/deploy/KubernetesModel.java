package io.rutile.cli.deploy;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.kubernetes.client.openapi.JSON;
import java.lang.reflect.InvocationTargetException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What the official model of the Kubernetes API says about an object: fields that it does not know, fields that are missing, values of the
 * wrong type, at every depth. What only an API server knows (values of enumerations, names of DNS) it does not see.
 */
final class KubernetesModel {

    /** The kinds that the chart may make, by the version of the API that serves them. */
    private static final Map<String, String> API_VERSIONS = Map.of(
            "StatefulSet", "apps/v1",
            "Deployment", "apps/v1",
            "Service", "v1",
            "ServiceAccount", "v1",
            "ConfigMap", "v1",
            "Pod", "v1",
            "PodDisruptionBudget", "policy/v1",
            "NetworkPolicy", "networking.k8s.io/v1");

    private KubernetesModel() {}

    static boolean knows(JsonObject object) {
        return API_VERSIONS.containsKey(Chart.text(object, "kind"));
    }

    /** Sentences; empty if nothing is wrong. */
    static List<String> faults(JsonObject object) {
        String kind = Chart.text(object, "kind");
        String apiVersion = Chart.text(object, "apiVersion");
        if (!apiVersion.equals(API_VERSIONS.get(kind))) {
            return List.of(apiVersion + " has no " + kind + " that this chart may make");
        }
        List<String> faults = new ArrayList<>();
        try {
            Class<?> model = Class.forName("io.kubernetes.client.openapi.models.V1" + kind);
            model.getMethod("validateJsonElement", JsonElement.class).invoke(null, object);
            // Reading catches numbers and quantities that are none; writing shows what was taken for something else.
            JsonElement again = JSON.getGson().toJsonTree(JSON.getGson().fromJson(object, model));
            compare(kind, object, again, faults);
        } catch (InvocationTargetException e) {
            faults.add(kind + ": " + e.getCause().getMessage());
        } catch (ReflectiveOperationException e) {
            throw new LinkageError("the model has no " + kind, e);
        } catch (RuntimeException e) {
            faults.add(kind + ": " + e.getMessage());
        }
        return faults;
    }

    private static void compare(String path, JsonElement said, JsonElement read, List<String> faults) {
        if (read == null) {
            faults.add(path + ": is lost on the way through the model");
        } else if (said.isJsonObject() && read.isJsonObject()) {
            said.getAsJsonObject()
                    .entrySet()
                    .forEach(entry -> compare(
                            path + "." + entry.getKey(),
                            entry.getValue(),
                            read.getAsJsonObject().get(entry.getKey()),
                            faults));
        } else if (said.isJsonArray()
                && read.isJsonArray()
                && said.getAsJsonArray().size() == read.getAsJsonArray().size()) {
            for (int i = 0; i < said.getAsJsonArray().size(); i++) {
                compare(
                        path + "[" + i + "]",
                        said.getAsJsonArray().get(i),
                        read.getAsJsonArray().get(i),
                        faults);
            }
        } else if (!said.isJsonPrimitive()
                || !read.isJsonPrimitive()
                || !type(said.getAsJsonPrimitive()).equals(type(read.getAsJsonPrimitive()))) {
            faults.add(path + ": " + said + " is read as " + read);
        }
    }

    private static String type(JsonPrimitive value) {
        return value.isNumber() ? "number" : value.isBoolean() ? "boolean" : "text";
    }
}
