// What the samples use of the package com.unity.ugui.
using UnityEngine.Events;

namespace UnityEngine.EventSystems
{
    public abstract class UIBehaviour : MonoBehaviour
    {
    }

    public abstract class BaseInputModule : UIBehaviour
    {
    }

    public sealed class StandaloneInputModule : BaseInputModule
    {
    }

    public class EventSystem : UIBehaviour
    {
        public static EventSystem current { get; private set; }

        private void OnEnable() => current = this;

        private void OnDisable() => current = null;
    }
}

namespace UnityEngine.UI
{
    using UnityEngine.EventSystems;

    public abstract class Graphic : UIBehaviour
    {
        public virtual Color color { get; set; } = Color.white;
    }

    public sealed class Image : Graphic
    {
    }

    public sealed class GraphicRaycaster : UIBehaviour
    {
    }

    public sealed class CanvasScaler : UIBehaviour
    {
        public enum ScaleMode
        {
            ConstantPixelSize,
            ScaleWithScreenSize,
        }

        public ScaleMode uiScaleMode { get; set; }

        public Vector2 referenceResolution { get; set; }
    }

    public class Text : Graphic
    {
        private string _text = "";

        public string text
        {
            get => _text;
            set { StubPlayer.AssertMainThread(); _text = value ?? ""; }
        }

        public Font font { get; set; }

        public int fontSize { get; set; }

        public TextAnchor alignment { get; set; }

        public bool supportRichText { get; set; } = true;
    }

    public class Selectable : UIBehaviour
    {
        public Graphic targetGraphic { get; set; }
    }

    public class Button : Selectable
    {
        public class ButtonClickedEvent : UnityEvent
        {
        }

        public ButtonClickedEvent onClick { get; } = new ButtonClickedEvent();
    }

    public class InputField : Selectable
    {
        public class EndEditEvent : UnityEvent<string>
        {
        }

        public string text { get; set; } = "";

        public Text textComponent { get; set; }

        public Graphic placeholder { get; set; }

        public EndEditEvent onEndEdit { get; } = new EndEditEvent();
    }
}
