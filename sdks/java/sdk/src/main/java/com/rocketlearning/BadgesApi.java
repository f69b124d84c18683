package com.rocketlearning;

import com.rocketlearning.Checks.Found;
import com.rocketlearning.exception.NotFoundException;
import com.rocketlearning.exception.ValidationException;
import com.rocketlearning.model.Badge;
import com.rocketlearning.model.BadgeResult;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/** Badges: given by hand, and looked up. */
public final class BadgesApi extends Api {
    private static final Set<String> FIELDS = Set.of("user_id", "badge_id", "metadata");

    BadgesApi(Transport transport) {
        super(transport);
    }

    /**
     * Gives a badge to a learner; one who isn't known is made. What a learner has isn't given twice.
     *
     * @param userId the learner
     * @param badgeId the badge
     * @return the award, and whether it is new
     * @throws NotFoundException where there is no such badge
     * @throws ValidationException where something can't be right; nothing was sent
     */
    public BadgeResult award(String userId, String badgeId) {
        return award(userId, badgeId, null);
    }

    /**
     * Gives a badge to a learner; one who isn't known is made. What a learner has isn't given twice.
     *
     * @param userId the learner
     * @param badgeId the badge
     * @param metadata what else is known, by name; kept with the award; may be null
     * @return the award, and whether it is new
     * @throws NotFoundException where there is no such badge
     * @throws ValidationException where something can't be right; nothing was sent
     */
    public BadgeResult award(String userId, String badgeId, Map<String, ?> metadata) {
        return Transport.await(awardAsync(userId, badgeId, metadata));
    }

    /**
     * {@link #award(String, String, Map)} without waiting.
     *
     * @param userId the learner
     * @param badgeId the badge
     * @param metadata what else is known, by name; may be null
     * @return the award to be
     * @throws ValidationException where something can't be right; nothing was sent
     */
    public CompletableFuture<BadgeResult> awardAsync(String userId, String badgeId, Map<String, ?> metadata) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("user_id", userId);
        fields.put("badge_id", badgeId);
        fields.put("metadata", metadata);
        return award(fields);
    }

    /**
     * A badge's definition.
     *
     * @param badgeId the badge
     * @return the definition
     */
    public Badge get(String badgeId) {
        return get("/v1/badges/" + Call.segment("badge_id", badgeId), Badge.class);
    }

    /** {@return the organisation's badges, in the order of their ids} */
    public PagedList<Badge> list() {
        return list(PageRequest.first());
    }

    /**
     * The organisation's badges, in the order of their ids.
     *
     * @param page in pages of which size, and from where
     * @return the badges
     */
    public PagedList<Badge> list(PageRequest page) {
        return list(() -> Call.get("/v1/badges"), page, "badges", Badge.class);
    }

    /** Takes the fields under the API's names, as other languages do. */
    CompletableFuture<BadgeResult> award(Map<String, Object> fields) {
        Found found = new Found();
        Map<String, Object> body = Fields.known(fields, FIELDS, found);
        found.check("user_id", body.get("user_id"), value -> Checks.required(value, Checks::userId));
        found.check("badge_id", body.get("badge_id"), value -> Checks.required(value, Checks::text));
        Fields.checkMetadata(body, found);
        found.refuse();
        return send(Call.post("/v1/badges/award", body), BadgeResult.class);
    }
}
