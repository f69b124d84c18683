package com.rocketlearning;

import com.rocketlearning.model.Balance;
import com.rocketlearning.model.HeldBadge;
import com.rocketlearning.model.LedgerEntry;
import com.rocketlearning.model.Limit;
import com.rocketlearning.model.RankStatus;
import com.rocketlearning.model.StoredEvent;
import com.rocketlearning.model.User;
import java.util.concurrent.CompletableFuture;

/**
 * Learners: what they have, and how it came about. Every id by which a learner is known is taken;
 * one who isn't known is a {@link com.rocketlearning.exception.NotFoundException}.
 */
public final class UsersApi extends Api {
    UsersApi(Transport transport) {
        super(transport);
    }

    /**
     * Points, rank and streak.
     *
     * @param userId the learner
     * @return what the learner has
     */
    public Balance getBalance(String userId) {
        return Transport.await(getBalanceAsync(userId));
    }

    /**
     * {@link #getBalance(String)} without waiting.
     *
     * @param userId the learner
     * @return what the learner has
     */
    public CompletableFuture<Balance> getBalanceAsync(String userId) {
        return send(Call.get(of(userId, "/balance")), Balance.class);
    }

    /**
     * The rank, and what it is good for.
     *
     * @param userId the learner
     * @return the rank
     */
    public RankStatus getRank(String userId) {
        return get(of(userId, "/rank"), RankStatus.class);
    }

    /**
     * What was used of each cap today and this week.
     *
     * @param userId the learner
     * @return the caps
     */
    public PagedList<Limit> getLimits(String userId) {
        return getLimits(userId, PageRequest.first());
    }

    /**
     * What was used of each cap today and this week.
     *
     * @param userId the learner
     * @param page in pages of which size, and from where
     * @return the caps
     */
    public PagedList<Limit> getLimits(String userId, PageRequest page) {
        String path = of(userId, "/limits");
        return list(() -> Call.get(path), page, "limits", Limit.class);
    }

    /**
     * Points that came and went, the latest first.
     *
     * @param userId the learner
     * @return the entries
     */
    public PagedList<LedgerEntry> getLedger(String userId) {
        return getLedger(userId, PageRequest.first());
    }

    /**
     * Points that came and went, the latest first.
     *
     * @param userId the learner
     * @param page in pages of which size, and from where
     * @return the entries
     */
    public PagedList<LedgerEntry> getLedger(String userId, PageRequest page) {
        String path = of(userId, "/ledger");
        return list(() -> Call.get(path), page, "entries", LedgerEntry.class);
    }

    /**
     * The badges that a learner has, the latest first.
     *
     * @param userId the learner
     * @return the badges
     */
    public PagedList<HeldBadge> getBadges(String userId) {
        return getBadges(userId, null, PageRequest.first());
    }

    /**
     * The badges that a learner has, and had if that is asked for, the latest first.
     *
     * @param userId the learner
     * @param includeRevoked whether those that were taken back are listed too
     * @param page in pages of which size, and from where
     * @return the badges
     */
    public PagedList<HeldBadge> getBadges(String userId, boolean includeRevoked, PageRequest page) {
        return getBadges(userId, Boolean.valueOf(includeRevoked), page);
    }

    private PagedList<HeldBadge> getBadges(
            String userId, Boolean includeRevoked, PageRequest page) {
        String path = of(userId, "/badges");
        return list(
                () -> Call.get(path).with("include_revoked", includeRevoked),
                page,
                "badges",
                HeldBadge.class);
    }

    /**
     * A learner's events with their decisions, the latest received first.
     *
     * @param userId the learner
     * @return the events
     */
    public PagedList<StoredEvent> getEvents(String userId) {
        return getEvents(userId, PageRequest.first());
    }

    /**
     * A learner's events with their decisions, the latest received first.
     *
     * @param userId the learner
     * @param page in pages of which size, and from where
     * @return the events
     */
    public PagedList<StoredEvent> getEvents(String userId, PageRequest page) {
        String path = of(userId, "/events");
        return list(() -> Call.get(path), page, "events", StoredEvent.class);
    }

    /**
     * A learner as administrators keep them.
     *
     * @param userId the learner
     * @return what is known
     */
    public User get(String userId) {
        return get(of(userId, ""), User.class);
    }

    /**
     * Who has an e-mail address; case doesn't matter.
     *
     * @param email the whole address
     * @return the learners
     */
    public PagedList<User> searchByEmail(String email) {
        return list(
                () -> Call.get("/v1/users/search").with("email", email),
                PageRequest.first(),
                "users",
                User.class);
    }

    /**
     * Whose name, address or id begins with a text; case doesn't matter. A search has one page: who
     * isn't on it needs a longer text.
     *
     * @param text how it begins
     * @return up to 50 learners
     */
    public PagedList<User> search(String text) {
        return search(text, PageRequest.first());
    }

    /**
     * Whose name, address or id begins with a text; case doesn't matter. A search has one page: who
     * isn't on it needs a longer text.
     *
     * @param text how it begins
     * @param page of which size
     * @return the learners
     */
    public PagedList<User> search(String text, PageRequest page) {
        return list(() -> Call.get("/v1/users/search").with("q", text), page, "users", User.class);
    }

    private static String of(String userId, String what) {
        return "/v1/users/" + Call.segment("user_id", userId) + what;
    }
}
