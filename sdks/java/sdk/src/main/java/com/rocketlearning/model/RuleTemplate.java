package com.rocketlearning.model;

import com.fasterxml.jackson.annotation.JsonProperty;

/** A ready-made rule of the catalogue. */
public final class RuleTemplate {
    private String ruleId;
    private String title;

    @JsonProperty("default")
    private boolean isDefault;

    private boolean enabled;
    private Rule rule;

    private RuleTemplate() {}

    /** {@return the rule's id} */
    public String ruleId() {
        return ruleId;
    }

    /** {@return its title} */
    public String title() {
        return title;
    }

    /** {@return whether new organisations begin with it} */
    public boolean isDefault() {
        return isDefault;
    }

    /** {@return whether this organisation has it} */
    public boolean enabled() {
        return enabled;
    }

    /** {@return the rule itself} */
    public Rule rule() {
        return rule;
    }
}
