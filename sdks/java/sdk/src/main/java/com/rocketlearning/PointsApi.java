package com.rocketlearning;

import com.rocketlearning.Checks.Found;
import com.rocketlearning.exception.InsufficientPointsException;
import com.rocketlearning.exception.ValidationException;
import com.rocketlearning.model.PointsResult;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/**
 * Points by hand. Each call has an idempotency key, the caller's or a random one, and counts once,
 * however often it is tried.
 */
public final class PointsApi extends Api {
    private static final Set<String> FIELDS = Set.of("user_id", "points", "reason", "metadata");

    private final Supplier<String> keys;

    PointsApi(Transport transport, Supplier<String> keys) {
        super(transport);
        this.keys = keys;
    }

    /**
     * Gives points to a learner; one who isn't known is made.
     *
     * @param userId the learner
     * @param points 1 to 1,000,000
     * @param reason what for, in at most 1,000 characters
     * @return the entry, and the balance after it
     * @throws ValidationException where something can't be right; nothing was sent
     */
    public PointsResult award(String userId, int points, String reason) {
        return award(PointsRequest.of(userId, points, reason));
    }

    /**
     * Gives points to a learner; one who isn't known is made.
     *
     * @param request to whom, how many, what for
     * @return the entry, and the balance after it
     * @throws ValidationException where something can't be right; nothing was sent
     */
    public PointsResult award(PointsRequest request) {
        return Transport.await(awardAsync(request));
    }

    /**
     * {@link #award(PointsRequest)} without waiting.
     *
     * @param request to whom, how many, what for
     * @return the entry to be, and the balance after it
     * @throws ValidationException where something can't be right; nothing was sent
     */
    public CompletableFuture<PointsResult> awardAsync(PointsRequest request) {
        return move("/v1/points/award", request.fields(), request.idempotencyKey());
    }

    /**
     * Takes points from a learner.
     *
     * @param userId the learner
     * @param points 1 to 1,000,000
     * @param reason what for, in at most 1,000 characters
     * @return the entry, and the balance after it
     * @throws InsufficientPointsException where the learner has fewer
     * @throws ValidationException where something can't be right; nothing was sent
     */
    public PointsResult deduct(String userId, int points, String reason) {
        return deduct(PointsRequest.of(userId, points, reason));
    }

    /**
     * Takes points from a learner.
     *
     * @param request from whom, how many, what for
     * @return the entry, and the balance after it
     * @throws InsufficientPointsException where the learner has fewer
     * @throws ValidationException where something can't be right; nothing was sent
     */
    public PointsResult deduct(PointsRequest request) {
        return Transport.await(deductAsync(request));
    }

    /**
     * {@link #deduct(PointsRequest)} without waiting.
     *
     * @param request from whom, how many, what for
     * @return the entry to be, and the balance after it
     * @throws ValidationException where something can't be right; nothing was sent
     */
    public CompletableFuture<PointsResult> deductAsync(PointsRequest request) {
        return move("/v1/points/deduct", request.fields(), request.idempotencyKey());
    }

    /** Takes the fields under the API's names, as other languages do. */
    CompletableFuture<PointsResult> move(
            String path, Map<String, Object> fields, String idempotencyKey) {
        Found found = new Found();
        Map<String, Object> body = Fields.known(fields, FIELDS, found);
        found.check(
                "user_id", body.get("user_id"), value -> Checks.required(value, Checks::userId));
        found.check("points", body.get("points"), value -> Checks.required(value, Checks::points));
        found.check("reason", body.get("reason"), value -> Checks.required(value, Checks::reason));
        Fields.checkMetadata(body, found);
        String key = Fields.key(idempotencyKey, keys, found);
        found.refuse();
        return send(Call.post(path, body).once(key), PointsResult.class);
    }
}
