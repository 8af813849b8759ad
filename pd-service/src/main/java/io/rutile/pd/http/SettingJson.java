package io.rutile.pd.http;

import io.rutile.pd.leader.LeaderTerm;
import io.rutile.pd.meta.Setting;
import io.rutile.pd.schedule.ScheduleOptions;
import io.rutile.pd.schedule.operator.OperatorKind;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** Settings as JSON: what holds now, and what somebody sends. */
final class SettingJson {

    private SettingJson() {}

    /** What holds now, whether it was set or not. */
    static JsonNode value(Setting setting, LeaderTerm term) {
        ScheduleOptions now = term.schedule();
        return switch (setting) {
            case MAX_STORE_DOWN_TIME -> duration(term.cluster().downAfter());
            case SPLIT_MERGE_INTERVAL -> duration(now.merge().restAfterSplit());
            case LEADER_SCHEDULE_LIMIT -> limit(now, OperatorKind.BALANCE_LEADER);
            case REGION_SCHEDULE_LIMIT -> limit(now, OperatorKind.BALANCE_REGION);
            case REPLICA_SCHEDULE_LIMIT -> limit(now, OperatorKind.REPAIR);
            case HOT_REGION_SCHEDULE_LIMIT -> limit(now, OperatorKind.HOT);
            case MERGE_SCHEDULE_LIMIT -> limit(now, OperatorKind.MERGE);
            case MAX_MERGE_REGION_SIZE -> Json.number(now.merge().sizeMibMax());
            case MAX_MERGE_REGION_KEYS -> Json.number(now.merge().keysMax());
            case MAX_SNAPSHOT_COUNT -> Json.number(now.placement().snapshotsMax());
            case MAX_PENDING_PEER_COUNT -> Json.number(now.placement().pendingPeersMax());
            case LOW_SPACE_RATIO ->
                Json.number(BigDecimal.ONE.subtract(
                        BigDecimal.valueOf(now.placement().freeRatioAmple())));
            case LOCATION_LABELS ->
                Json.text(String.join(",", now.placement().locations().labels()));
            case ISOLATION_LEVEL -> Json.text(now.placement().locations().isolation());
            case BALANCE_LEADER_BATCH -> Json.number(now.balance().leaderBatch());
            case BALANCE_REGION_BATCH -> Json.number(now.balance().regionBatch());
            case SLOW_STORE_RECOVERY -> Json.number(now.balance().slowRecovery().toSeconds());
        };
    }

    private static JsonNode duration(Duration value) {
        return Json.text(GoText.duration(value));
    }

    private static JsonNode limit(ScheduleOptions now, OperatorKind kind) {
        return Json.number(now.limits().of(kind));
    }

    /** As the hard state keeps it. @throws ApiError 400 in words if it is no value of this setting */
    static String text(Setting setting, JsonNode said) {
        String text = switch (setting.form()) {
            case DURATION -> milliseconds(setting, said);
            case COUNT, RATIO -> said.isString() || said.isNumber() ? said.asString() : "";
            case LABELS -> labels(said);
        };
        if (!setting.allows(text)) {
            throw ApiError.badRequest(
                    setting.key() + " must be " + allowed(setting) + ", not " + Request.shown(said.toString()));
        }
        return text;
    }

    /** Schedulers' durations are seconds, all others Go's texts: so tools have it. */
    private static String milliseconds(Setting setting, JsonNode said) {
        if (setting == Setting.SLOW_STORE_RECOVERY) {
            return said.isIntegralNumber() && said.canConvertToInt()
                    ? Long.toString(Duration.ofSeconds(said.intValue()).toMillis())
                    : "";
        }
        if (!said.isString()) {
            throw ApiError.badRequest(setting.key() + " must be a duration such as \"30m\"");
        }
        return Long.toString(
                GoText.parseDuration(said.stringValue(), setting.key()).toMillis());
    }

    /** With commas, or as a list. */
    private static String labels(JsonNode said) {
        if (!said.isArray()) {
            return said.isString() ? said.stringValue().replace(" ", "") : "?";
        }
        List<String> labels = new ArrayList<>();
        for (JsonNode label : said) {
            labels.add(label.isString() ? label.stringValue() : "?");
        }
        return String.join(",", labels);
    }

    private static String allowed(Setting setting) {
        return switch (setting.form()) {
            case DURATION ->
                GoText.duration(Duration.ofMillis(setting.min())) + " to "
                        + GoText.duration(Duration.ofMillis(setting.max()));
            case COUNT -> "a whole number from " + setting.min() + " to " + setting.max();
            case RATIO -> "a number from " + setting.min() + " to " + setting.max();
            case LABELS -> "at most " + setting.max() + " names of labels, each once";
        };
    }
}
