package io.rutile.protocol;

import com.google.protobuf.DescriptorProtos.DescriptorProto;
import com.google.protobuf.DescriptorProtos.EnumDescriptorProto;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.EnumDescriptor;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.Descriptors.OneofDescriptor;
import com.google.protobuf.Descriptors.ServiceDescriptor;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;

/** The tables of wire facts, and compiled descriptors written as rows of the same form. */
final class WireFacts {

    private static final int COLUMNS = 14;
    private static final int DEPRECATED = 9;

    private WireFacts() {}

    /** Rows of a table on the class path, without its headline. */
    static List<List<String>> table(String resource) {
        try (BufferedReader reader = new BufferedReader(new InputStreamReader(
                Objects.requireNonNull(WireFacts.class.getResourceAsStream("/" + resource), resource),
                StandardCharsets.UTF_8))) {
            return reader.lines()
                    .skip(1)
                    .map(line -> normalized(line.split("\t", -1)))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** One table writes "not deprecated" as 0, the other leaves it out. */
    private static List<String> normalized(String[] row) {
        row[DEPRECATED] = row[DEPRECATED].equals("0") ? "" : row[DEPRECATED];
        return List.of(row);
    }

    /** A file and everything that it imports, by file name. */
    static Map<String, FileDescriptor> closure(List<FileDescriptor> roots) {
        Map<String, FileDescriptor> files = new LinkedHashMap<>();
        roots.forEach(root -> close(root, files));
        return files;
    }

    private static void close(FileDescriptor file, Map<String, FileDescriptor> files) {
        file.getDependencies().forEach(imported -> close(imported, files));
        files.put(file.getName(), file);
    }

    static List<List<String>> rows(FileDescriptor file) {
        Rows rows = new Rows(file);
        rows.add("file", file.getName(), "proto3", "");
        file.toProto().getDependencyList().forEach(name -> rows.add("import", file.getName(), name, ""));
        file.getEnumTypes().forEach(rows::enumRows);
        file.getMessageTypes().forEach(rows::messageRows);
        file.getServices().forEach(rows::serviceRows);
        return rows.rows;
    }

    private static final class Rows {
        private final List<List<String>> rows = new ArrayList<>();
        private final String pkg;

        Rows(FileDescriptor file) {
            this.pkg = file.getPackage();
        }

        void add(String kind, String owner, String name, String number, String... rest) {
            List<String> row = new ArrayList<>(List.of(kind, pkg, owner, name, number));
            row.addAll(List.of(rest));
            while (row.size() < COLUMNS) {
                row.add("");
            }
            rows.add(row);
        }

        void enumRows(EnumDescriptor type) {
            add("enum", type.getFullName(), "", "" + type.getValues().size());
            for (EnumValueDescriptor value : type.getValues()) {
                add(
                        "value",
                        type.getFullName(),
                        value.getName(),
                        "" + value.getNumber(),
                        "",
                        "",
                        "",
                        "",
                        flag(value.getOptions().getDeprecated()));
            }
            for (EnumDescriptorProto.EnumReservedRange range : type.toProto().getReservedRangeList()) {
                add("reserved", type.getFullName(), "", range(range.getStart(), range.getEnd()));
            }
        }

        void messageRows(Descriptor type) {
            add("message", type.getFullName(), "", "" + type.getFields().size());
            type.getFields().forEach(this::fieldRow);
            DescriptorProto proto = type.toProto();
            for (DescriptorProto.ReservedRange range : proto.getReservedRangeList()) {
                add("reserved", type.getFullName(), "", range(range.getStart(), range.getEnd() - 1));
            }
            proto.getReservedNameList().forEach(name -> add("reserved", type.getFullName(), name, ""));
            type.getEnumTypes().forEach(this::enumRows);
            type.getNestedTypes().stream()
                    .filter(nested -> !nested.getOptions().getMapEntry())
                    .forEach(this::messageRows);
        }

        void fieldRow(FieldDescriptor field) {
            OneofDescriptor oneof = field.getRealContainingOneof();
            String label = field.isMapField() ? "map" : field.isRepeated() ? "repeated" : "optional";
            add(
                    "field",
                    field.getContainingType().getFullName(),
                    field.getName(),
                    "" + field.getNumber(),
                    field.isMapField() ? "map" : field.getType().name().toLowerCase(Locale.ROOT),
                    typeName(field),
                    label,
                    oneof == null ? "" : oneof.getName(),
                    flag(field.getOptions().getDeprecated()),
                    flag(field.isPacked()),
                    field.isRepeated() ? "" : field.hasPresence() ? "explicit" : "implicit");
        }

        private static String typeName(FieldDescriptor field) {
            if (field.isMapField()) {
                Descriptor entry = field.getMessageType();
                return "map<" + simpleType(entry.findFieldByNumber(1)) + "," + simpleType(entry.findFieldByNumber(2))
                        + ">";
            }
            return switch (field.getJavaType()) {
                case MESSAGE -> field.getMessageType().getFullName();
                case ENUM -> field.getEnumType().getFullName();
                default -> "";
            };
        }

        private static String simpleType(FieldDescriptor field) {
            String named = typeName(field);
            return named.isEmpty() ? field.getType().name().toLowerCase(Locale.ROOT) : named;
        }

        void serviceRows(ServiceDescriptor service) {
            add("service", service.getFullName(), "", "" + service.getMethods().size());
            for (MethodDescriptor method : service.getMethods()) {
                add(
                        "method",
                        service.getFullName(),
                        method.getName(),
                        "",
                        method.getInputType().getFullName(),
                        method.getOutputType().getFullName(),
                        "",
                        "",
                        flag(method.getOptions().getDeprecated()),
                        "",
                        "",
                        method.isClientStreaming() ? "1" : "0",
                        method.isServerStreaming() ? "1" : "0");
            }
        }

        private static String flag(boolean on) {
            return on ? "1" : "";
        }

        private static String range(int first, int last) {
            return first == last ? "" + first : first + "-" + last;
        }
    }
}
