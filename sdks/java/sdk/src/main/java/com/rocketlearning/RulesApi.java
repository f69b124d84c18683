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
        return list(PageRequest.first());
    }

    /**
     * The organisation's rules, those that are switched off included.
     *
     * @param page in pages of which size, and from where
     * @return the rules
     */
    public PagedList<Rule> list(PageRequest page) {
        return list(() -> Call.get("/v1/rules"), page, "rules", Rule.class);
    }

    /**
     * A rule as it is now.
     *
     * @param ruleId the rule
     * @return the rule
     */
    public Rule get(String ruleId) {
        return get("/v1/rules/" + Call.segment("rule_id", ruleId), Rule.class);
    }

    /** {@return the ready-made rules of the catalogue} */
    public PagedList<RuleTemplate> templates() {
        return list(() -> Call.get("/v1/rules/templates"), PageRequest.first(), "templates", RuleTemplate.class);
    }
}
