package com.rocketlearning;

import com.rocketlearning.Checks.Found;
import com.rocketlearning.exception.NotFoundException;
import com.rocketlearning.exception.ValidationException;
import com.rocketlearning.model.Badge;
import com.rocketlearning.model.BadgeResult;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/**
 * Badges: given by hand, and looked up. Each award has an idempotency key, the caller's or a random
 * one, and counts once, however often it is tried.
 */
public final class BadgesApi extends Api {
    private static final Set<String> FIELDS = Set.of("user_id", "badge_id", "metadata");

    private final Supplier<String> keys;

    BadgesApi(Transport transport, Supplier<String> keys) {
        super(transport);
        this.keys = keys;
    }

    /**
     * Gives a badge to a learner; one who isn't known is made. What a learner has isn't given
     * twice, unless the badge is repeatable.
     *
     * @param userId the learner
     * @param badgeId the badge
     * @return the award, and whether it is new
     * @throws NotFoundException where there is no such badge
     * @throws ValidationException where something can't be right; nothing was sent
     */
    public BadgeResult award(String userId, String badgeId) {
        return award(BadgeRequest.of(userId, badgeId));
    }

    /**
     * Gives a badge to a learner; one who isn't known is made. What a learner has isn't given
     * twice, unless the badge is repeatable.
     *
     * @param request which badge, to whom
     * @return the award, and whether it is new
     * @throws NotFoundException where there is no such badge
     * @throws ValidationException where something can't be right; nothing was sent
     */
    public BadgeResult award(BadgeRequest request) {
        return Transport.await(awardAsync(request));
    }

    /**
     * {@link #award(BadgeRequest)} without waiting.
     *
     * @param request which badge, to whom
     * @return the award to be
     * @throws ValidationException where something can't be right; nothing was sent
     */
    public CompletableFuture<BadgeResult> awardAsync(BadgeRequest request) {
        return give(request.fields(), request.idempotencyKey());
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
    CompletableFuture<BadgeResult> give(Map<String, Object> fields, String idempotencyKey) {
        Found found = new Found();
        Map<String, Object> body = Fields.known(fields, FIELDS, found);
        found.check(
                "user_id", body.get("user_id"), value -> Checks.required(value, Checks::userId));
        found.check(
                "badge_id", body.get("badge_id"), value -> Checks.required(value, Checks::text));
        Fields.checkMetadata(body, found);
        String key = Fields.key(idempotencyKey, keys, found);
        found.refuse();
        return send(Call.post("/v1/badges/award", body).once(key), BadgeResult.class);
    }
}
