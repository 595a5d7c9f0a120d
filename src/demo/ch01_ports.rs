pub const DEMO: super::Demo = super::Demo {};
