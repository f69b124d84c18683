package com.rocketlearning;

import com.rocketlearning.model.Rule;
import com.rocketlearning.model.RuleTemplate;

/** What is worth points. */
public final class RulesApi extends Api {
    RulesApi(Transport transport) {
        super(transport);
    }

    /** {@return the organisation's rules, those that are switched off included} */
    public PagedList<Rule> list() {
        return list(RuleQuery.builder().build());
    }

    /**
     * The organisation's rules, by priority and then by id.
     *
     * @param query which
     * @return the rules
     */
    public PagedList<Rule> list(RuleQuery query) {
        return list(() -> query.addTo(Call.get("/v1/rules")), query.page(), "rules", Rule.class);
    }

    /**
     * A rule as it is now.
     *
     * @param ruleId the rule
     * @return the rule
     */
    public Rule get(String ruleId) {
        return get(of(ruleId), Rule.class);
    }

    /**
     * A rule as it was.
     *
     * @param ruleId the rule
     * @param version which version, from 1
     * @return the rule
     */
    public Rule get(String ruleId, int version) {
        return get(Call.get(of(ruleId)).with("version", version), Rule.class);
    }

    private static String of(String ruleId) {
        return "/v1/rules/" + Call.segment("rule_id", ruleId);
    }

    /** {@return the ready-made rules of the catalogue} */
    public PagedList<RuleTemplate> templates() {
        return list(
                () -> Call.get("/v1/rules/templates"),
                PageRequest.first(),
                "templates",
                RuleTemplate.class);
    }
}
